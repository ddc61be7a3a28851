namespace Fovea.Training;

/// <summary>The factor by which the loss is multiplied so that f16 gradients do not vanish (Micikevicius et al., "Mixed Precision
/// Training", 2018): doubled after a number of clean steps, halved when a gradient overflows; that step is skipped.</summary>
public sealed class LossScale
{
    private readonly int _growAfter;

    /// <summary>Begins at <paramref name="initial"/>.</summary>
    public LossScale(float initial = 65536, int growAfter = 2000)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(initial);
        ArgumentOutOfRangeException.ThrowIfLessThan(growAfter, 1);
        Value = initial;
        _growAfter = growAfter;
    }

    /// <summary>The present factor.</summary>
    public float Value { get; private set; }

    /// <summary>Clean steps since it changed.</summary>
    public int CleanSteps { get; private set; }

    /// <summary>Learns how a step ended.</summary>
    /// <param name="gradientNorm">Norm of the scaled gradients.</param>
    /// <returns>Whether the step counted; false: it was skipped.</returns>
    public bool Update(float gradientNorm)
    {
        if (!float.IsFinite(gradientNorm))
        {
            Value /= 2;
            CleanSteps = 0;
            return false;
        }
        if (++CleanSteps < _growAfter) return true;
        Value = Math.Min(Value * 2, float.MaxValue / 2);
        CleanSteps = 0;
        return true;
    }

    /// <summary>Sets the state, when training is resumed.</summary>
    internal void Resume(float value, int cleanSteps) => (Value, CleanSteps) = (value, cleanSteps);
}
