using Fovea.Training;

namespace Fovea.Detection.Assignment;

/// <summary><see cref="Kernels.LinearAssignment"/> on a tape: costs [B][Q][T] and counts i32 [B] to rows i32 [B][T] and columns i32 [B][Q]. It
/// stays on the device, so a training step with it can be captured.</summary>
internal sealed record LinearAssignmentOperation : ConstantOperation
{
    public override string Name => "linear_assignment";

    public override int OutputCount => 2;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (costs, counts) = (inputs[0]!, inputs[1]!);
        if (costs.Rank != 3 || costs.DType != DType.Float32 || !counts.Equals(new TensorSpec(DType.Int32, costs[0]))) throw Bad($"costs {costs} and counts {counts} do not fit");
        (outputs[0], outputs[1]) = (new TensorSpec(DType.Int32, costs[0], costs[2]), new TensorSpec(DType.Int32, costs[0], costs[1]));
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.LinearAssignment(pass.Stream, pass.Input(0), pass.Input(1), pass.Output(0), pass.Output(1), totals: null);
}
