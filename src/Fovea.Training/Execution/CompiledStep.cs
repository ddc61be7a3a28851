namespace Fovea.Training;

/// <summary>A step with what it does to memory. Roots are slots that have memory of their own.</summary>
internal sealed class CompiledStep
{
    public required TapeStep Step { get; init; }

    /// <summary>Whether the operation ran before in the same program: buffers are not written again.</summary>
    public bool IsAgain { get; set; }

    /// <summary>Roots whose tensors nobody reads after this step.</summary>
    public int[] Dead { get; set; } = [];

    /// <summary>Backward, bit i: the gradient of input i has no contribution yet, so this step writes it.</summary>
    public uint Fresh { get; set; }

    /// <summary>Roots whose gradients begin in this step, before the operation runs.</summary>
    public int[] NewGradients { get; set; } = [];

    /// <summary>Roots whose gradients have done their duty after this step.</summary>
    public int[] DeadGradients { get; set; } = [];
}
