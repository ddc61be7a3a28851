namespace Fovea.Training;

/// <summary>The same elements in another shape.</summary>
/// <param name="Target">Data type and shape of the result.</param>
internal sealed record ReshapeOperation(TensorSpec Target) : ViewOperation
{
    public override string Name => "reshape";

    public override bool IsWhole => true;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        if (inputs[0]!.ElementCount != Target.ElementCount || inputs[0]!.DType != Target.DType) throw Bad($"{inputs[0]} cannot become {Target}");
        outputs[0] = Target;
    }

    public override DeviceTensor Apply(DeviceTensor source) => source.Reshape(Target.Shape);
}
