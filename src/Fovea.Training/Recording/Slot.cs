namespace Fovea.Training;

/// <summary>Where a tensor lies while a tape runs.</summary>
internal sealed class Slot
{
    public required TensorSpec Spec { get; init; }

    /// <summary>Index of the operation that writes it; -1: it comes from outside.</summary>
    public int Producer { get; init; } = -1;

    /// <summary>The slot whose memory this one shows, and that slot's own root; itself when it has memory.</summary>
    public required int Root { get; init; }

    public bool RequiresGradient { get; init; }

    /// <summary>Set for a parameter.</summary>
    public Parameter? Parameter { get; init; }

    /// <summary>Whether an inference may pack it once: made by the inference itself.</summary>
    public bool IsConstant { get; init; }

    /// <summary>What an input or constant is bound to.</summary>
    public DeviceTensor? Bound { get; set; }
}
