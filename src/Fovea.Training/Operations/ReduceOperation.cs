namespace Fovea.Training;

/// <summary>Reduces dimensions, which stay as 1 or go.</summary>
internal sealed record ReduceOperation(ReduceOptions Options, bool KeepsDimensions) : Operation
{
    public override string Name => "reduce";

    // A sum or mean spreads dy; the others look at the elements and at what became of them.
    public override SavedTensors Saves(uint wanted) => Options.Op is ReduceOp.Sum or ReduceOp.Mean ? SavedTensors.None : new(Inputs: 1, Outputs: 1);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (Options.Op == ReduceOp.Prod) throw Bad("a product over elements has no gradient here");
        if (Options.Axes >> x.Rank != 0) throw Bad($"{x} has no dimension {31 - System.Numerics.BitOperations.LeadingZeroCount(Options.Axes)}");
        var shape = new List<long>();
        for (var i = 0; i < x.Rank; i++)
        {
            if ((Options.Axes >> i & 1) == 0) shape.Add(x[i]);
            else if (KeepsDimensions) shape.Add(1);
        }
        outputs[0] = x.With([.. shape]);
    }

    public override void Forward(ForwardPass pass) => Kernels.Reduce(pass.Stream, Options, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } dx) return;
        if (Options.Op is not (ReduceOp.Sum or ReduceOp.Mean))
        {
            Kernels.ReduceBackward(pass.Stream, Options, pass.Input(0), pass.Output(), pass.OutputGradient(), dx);
            return;
        }
        Span<long> shape = stackalloc long[dx.Rank];
        long reduced = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            var gone = (Options.Axes >> i & 1) != 0;
            shape[i] = gone ? 1 : dx.Shape[i];
            if (gone) reduced *= dx.Shape[i];
        }
        dx.Fill(pass.Stream, 0);
        Kernels.Binary(pass.Stream, BinaryOp.Add, dx, pass.OutputGradient().Reshape(shape), dx);
        if (Options.Op == ReduceOp.Mean) Kernels.Affine(pass.Stream, 1f / Math.Max(1, reduced), 0, dx, dx);
    }
}
