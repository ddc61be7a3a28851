namespace Fovea.Training;

/// <summary>Tensors side by side in the last dimension.</summary>
internal sealed record ConcatOperation : Operation
{
    public override string Name => "concat";

    public override SavedTensors Saves(uint wanted) => SavedTensors.None;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var first = inputs[0]!;
        if (first.Rank < 1) throw Bad("a scalar cannot be concatenated");
        long columns = 0;
        foreach (var x in inputs)
        {
            if (x!.DType != first.DType || !x.Shape[..^1].SequenceEqual(first.Shape[..^1])) throw Bad($"{x} does not fit beside {first}");
            columns += x[^1];
        }
        outputs[0] = first.With([.. first.Shape[..^1], columns]);
    }

    public override void Forward(ForwardPass pass)
    {
        long start = 0;
        for (var i = 0; pass.Optional(i) is { } x; start += x.Shape[^1], i++)
            Kernels.Copy(pass.Stream, x, pass.Output().Columns(start, x.Shape[^1]));
    }

    public override void Backward(BackwardPass pass)
    {
        long start = 0;
        for (var i = 0; i < pass.InputCount; i++)
        {
            var columns = pass.InputSpec(i)[^1];
            if (pass.Gradient(i) is { } dx) Kernels.Copy(pass.Stream, pass.OutputGradient().Columns(start, columns), dx);
            start += columns;
        }
    }
}
