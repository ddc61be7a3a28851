namespace Fovea.Training;

/// <summary>y = activation(x); PReLU takes its slopes [C] as second input.</summary>
internal sealed record ActivateOperation(Activation Activation) : Operation
{
    public override string Name => "activate";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var isPRelu = Activation.Kind == ActivationKind.PRelu;
        var slope = inputs.Length > 1 ? inputs[1] : null;
        if (isPRelu != slope is not null) throw Bad("slopes go with PReLU, and with it only");
        if (slope is not null && (slope.Rank != 1 || inputs[0]!.Rank < 1 || slope[0] != inputs[0]![^1])) throw Bad($"slopes {slope} do not fit x {inputs[0]}");
        outputs[0] = inputs[0]!;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.Activate(pass.Stream, Activation, pass.Input(0), pass.Optional(1), pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.ActivateBackward(pass.Stream, Activation, pass.Input(0), pass.Optional(1), pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1));
}
