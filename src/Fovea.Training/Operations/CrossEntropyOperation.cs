namespace Fovea.Training;

/// <summary>Softmax cross-entropy of rows: logits [N][K], targets i32 or i64 [N], class weights [K] or absent. Results: loss and weight
/// of each row [N], and log of its softmax denominator, which backward reads.</summary>
internal sealed record CrossEntropyOperation(CrossEntropyOptions Options) : Operation
{
    public override string Name => "cross_entropy";

    public override int OutputCount => 3;

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b111, Outputs: 0b100);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (logits, targets) = (inputs[0]!, inputs[1]!);
        if (logits.Rank != 2 || targets.Rank != 1 || targets[0] != logits[0] || targets.DType is not (DType.Int32 or DType.Int64))
            throw Bad($"targets {targets} do not fit logits {logits}");
        if (inputs.Length > 2 && inputs[2] is { } weights && (weights.Rank != 1 || weights[0] != logits[1])) throw Bad($"class weights {weights} do not fit logits {logits}");
        outputs[0] = outputs[1] = outputs[2] = new TensorSpec(DType.Float32, logits[0]);
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.CrossEntropy(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Output(0), pass.Output(1), pass.Output(2));

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx)
            Kernels.CrossEntropyBackward(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Output(2), pass.OutputGradient(), dx);
    }
}
