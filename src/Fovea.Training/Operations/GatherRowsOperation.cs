namespace Fovea.Training;

/// <summary>y[i] = table[indices[i]]: embedding lookup. table [N][..], indices of any shape S, y S followed by the table's row.</summary>
internal sealed record GatherRowsOperation : Operation
{
    public override string Name => "gather_rows";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(1);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (table, indices) = (inputs[0]!, inputs[1]!);
        if (table.Rank < 1 || indices.DType is not (DType.Int32 or DType.Int64)) throw Bad($"indices {indices} of table {table}");
        outputs[0] = table.With([.. indices.Shape, .. table.Shape[1..]]);
    }

    public override void Forward(ForwardPass pass) => Kernels.GatherRows(pass.Stream, pass.Input(0), pass.Input(1), pass.Output());

    // Equal indices add up in ascending order: deterministic.
    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } d) return;
        d.Fill(pass.Stream, 0);
        Kernels.ScatterAddRows(pass.Stream, pass.OutputGradient(), pass.Input(1), d);
    }
}
