namespace Fovea.Training;

/// <summary>A result on a <see cref="Training.Tape"/>: a name for a tensor that exists while the tape runs. The default value
/// stands for an optional input that is absent.</summary>
public readonly record struct Value
{
    internal Value(Tape tape, int slot)
    {
        Owner = tape;
        Slot = slot;
    }

    /// <summary>Whether this names a tensor at all.</summary>
    public bool IsPresent => Owner is not null;

    /// <summary>The tape it was recorded on.</summary>
    /// <exception cref="InvalidOperationException">The value is absent.</exception>
    public Tape Tape => Owner ?? throw new InvalidOperationException("an absent value has no tape");

    /// <summary>Its data type and shape.</summary>
    public TensorSpec Spec => Tape.Slots[Slot].Spec;

    /// <summary>Size of each dimension.</summary>
    public ReadOnlySpan<long> Shape => Spec.Shape;

    /// <summary>Whether a gradient flows into it.</summary>
    public bool RequiresGradient => Tape.Slots[Slot].RequiresGradient;

    internal Tape? Owner { get; }

    internal int Slot { get; }

    /// <summary>For example "%12 [8, 64] Float32".</summary>
    public override string ToString() => IsPresent ? $"%{Slot} {Spec}" : "absent";
}
