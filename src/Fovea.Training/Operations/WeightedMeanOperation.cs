namespace Fovea.Training;

/// <summary>sum(losses) / sum(weights) as one number, 0 when all weights are 0. The weights are constants.</summary>
internal sealed record WeightedMeanOperation : Operation
{
    public override string Name => "weighted_mean";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(1);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        if (inputs[0]!.Rank != 1 || !inputs[0]!.Equals(inputs[1])) throw Bad($"losses {inputs[0]} and weights {inputs[1]} do not fit");
        outputs[0] = inputs[0]!.With();
    }

    public override void Forward(ForwardPass pass)
    {
        using var scale = Scale(pass.Stream, pass.Input(1));
        var y = pass.Output();
        Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, 0), pass.Input(0), y);
        Kernels.Binary(pass.Stream, BinaryOp.Div, y, scale, y);
    }

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } dx) return;
        using var scale = Scale(pass.Stream, pass.Input(1));
        Kernels.Binary(pass.Stream, BinaryOp.Div, pass.OutputGradient(), scale, scale);
        // dx = the same number everywhere: it is added to zeros, which broadcasts it.
        dx.Fill(pass.Stream, 0);
        Kernels.Binary(pass.Stream, BinaryOp.Add, dx, scale, dx);
    }

    // The sum of the weights, raised to the least positive normal number: an empty sum then gives 0/tiny = 0.
    private static DeviceTensor Scale(DeviceStream stream, DeviceTensor weights)
    {
        var sum = DeviceTensor.Allocate(stream, weights.DType);
        Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.Sum, 0), weights, sum);
        Kernels.Activate(stream, Activation.Clamp(1.17549435e-38f, float.MaxValue), sum, slope: null, sum);
        return sum;
    }
}
