namespace Fovea.Training;

/// <summary>A new dimension in front of dimension <paramref name="Axis"/>, along which x stands <paramref name="Count"/> times.</summary>
internal sealed record RepeatOperation(int Axis, long Count) : Operation
{
    public override string Name => "repeat";

    public override SavedTensors Saves(uint wanted) => SavedTensors.None;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.DType != DType.Float32 || Axis < 0 || Axis > x.Rank || Count < 0) throw Bad($"{x} {Count} times along dimension {Axis}");
        outputs[0] = x.With(WithDimension(x.Shape, Count));
    }

    public override void Forward(ForwardPass pass)
    {
        var (x, y) = (pass.Input(0), pass.Output());
        y.Fill(pass.Stream, 0);
        Kernels.Binary(pass.Stream, BinaryOp.Add, y, x.Reshape(WithDimension(x.Shape, 1)), y);
    }

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, Axis), pass.OutputGradient(), dx);
    }

    private long[] WithDimension(ReadOnlySpan<long> shape, long size) => [.. shape[..Axis], size, .. shape[Axis..]];
}
