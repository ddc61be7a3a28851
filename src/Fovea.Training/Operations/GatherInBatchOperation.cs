namespace Fovea.Training;

/// <summary>y[b][i] = tables[b][indices[b][i]]: a table [B][N][..] and indices [B][K] of its own for each entry of a batch, y
/// [B][K][..].</summary>
internal sealed record GatherInBatchOperation : Operation
{
    public override string Name => "gather_in_batch";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(1);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (tables, indices) = (inputs[0]!, inputs[1]!);
        if (tables.Rank < 2 || indices.Rank != 2 || indices[0] != tables[0] || indices.DType is not (DType.Int32 or DType.Int64))
            throw Bad($"indices {indices} of tables {tables}");
        outputs[0] = tables.With([tables[0], indices[1], .. tables.Shape[2..]]);
    }

    public override void Forward(ForwardPass pass)
    {
        for (var b = 0L; b < pass.Input(0).Shape[0]; b++) Kernels.GatherRows(pass.Stream, Entry(pass.Input(0), b), Entry(pass.Input(1), b), Entry(pass.Output(), b));
    }

    // Equal indices add up in ascending order: deterministic.
    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } d) return;
        d.Fill(pass.Stream, 0);
        for (var b = 0L; b < d.Shape[0]; b++) Kernels.ScatterAddRows(pass.Stream, Entry(pass.OutputGradient(), b), Entry(pass.Input(1), b), Entry(d, b));
    }

    private static DeviceTensor Entry(DeviceTensor tensor, long index) => tensor.Rows(index, 1).Reshape(tensor.Shape[1..]);
}
