namespace Fovea.Training;

/// <summary>Shows the memory of its input in another way. Nothing runs for it: its gradient is the same view of its input's
/// gradient.</summary>
public abstract record ViewOperation : Operation
{
    /// <summary>Whether the view shows every element, so that a gradient written through it is complete.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>The view of a tensor of the input's shape.</summary>
    public abstract DeviceTensor Apply(DeviceTensor source);

    /// <inheritdoc/>
    public sealed override SavedTensors Saves(uint wanted) => SavedTensors.None;

    /// <inheritdoc/>
    public sealed override void Forward(ForwardPass pass)
    {
    }

    /// <inheritdoc/>
    public sealed override void Backward(BackwardPass pass)
    {
    }
}
