namespace Fovea.Training;

/// <summary>A recurrent layer from a zero state: x [B][L][input], weights [gates*hidden][input], recurrent [gates*hidden][hidden], two
/// biases [gates*hidden] or absent, lengths i32 [B] or absent; y [B][L][hidden]. Gates are not kept: backward finds them again from
/// y.</summary>
internal sealed record RecurrentOperation(RecurrentOptions Options) : Operation
{
    public override string Name => "recurrent";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b111111, Outputs: 1);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, w, r) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (x.Rank != 3 || x[2] != Options.InputSize || w.Rank != 2 || w[1] != x[2] || r.Rank != 2 || r[0] != w[0] || r[1] != Options.HiddenSize)
            throw Bad($"weights {w} and {r} do not fit x {x} and {Options.HiddenSize} hidden units");
        outputs[0] = x.With(x[0], x[1], Options.HiddenSize);
    }

    public override uint PackedInputs => 0b11110;

    public override DeviceTensor? Pack(ForwardPass pass) =>
        Kernels.PrepareRecurrent(pass.Stream, Options, pass.Input(1), pass.Input(2), pass.Optional(3), pass.Optional(4));

    public override void Forward(ForwardPass pass)
    {
        using var packed = pass.Packed();
        Kernels.Recurrent(pass.Stream, Options, pass.Input(0), packed, pass.Optional(5), h: null, c: null, pass.Output());
    }

    public override void Backward(BackwardPass pass) => Kernels.RecurrentBackward(pass.Stream, Options,
        new RecurrentInputs
        {
            X = pass.Input(0),
            Weights = pass.Input(1),
            Recurrent = pass.Input(2),
            Bias = pass.Optional(3),
            RecurrentBias = pass.Optional(4),
            Lengths = pass.Optional(5),
            Y = pass.Output(),
            Dy = pass.OutputGradient(),
        },
        new RecurrentGradients
        {
            X = pass.Gradient(0),
            Weights = pass.Gradient(1),
            Recurrent = pass.Gradient(2),
            Bias = pass.Gradient(3),
            RecurrentBias = pass.Gradient(4),
        });
}
