namespace Fovea.Training;

/// <summary>Part of the leading or of the last dimension.</summary>
/// <param name="Start">First row or column.</param>
/// <param name="Count">Number of them.</param>
/// <param name="OfColumns">The last dimension instead of the leading one.</param>
internal sealed record SliceOperation(long Start, long Count, bool OfColumns) : ViewOperation
{
    public override string Name => "slice";

    public override bool IsWhole => false;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank == 0 || Start < 0 || Count < 0 || Start > x[OfColumns ? ^1 : 0] - Count) throw Bad($"[{Start}, {Start + Count}) of {x}");
        outputs[0] = x.With(OfColumns ? [.. x.Shape[..^1], Count] : [Count, .. x.Shape[1..]]);
    }

    public override DeviceTensor Apply(DeviceTensor source) => OfColumns ? source.Columns(Start, Count) : source.Rows(Start, Count);
}
