namespace Fovea.Training;

/// <summary>Learning rates by step, counted from 0. Plain functions of the step: nothing to save but the step.</summary>
public static class LearningRate
{
    /// <summary>Always the same.</summary>
    public static Func<long, float> Constant(float rate) => _ => rate;

    /// <summary>From 0 to the rate of <paramref name="then"/> in a straight line, reached after <paramref name="steps"/> steps; then that
    /// schedule, which counts from 0 again.</summary>
    public static Func<long, float> WarmUp(long steps, Func<long, float> then)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentNullException.ThrowIfNull(then);
        return step => step < steps ? then(0) * (step + 1) / steps : then(step - steps);
    }

    /// <summary>min + (max - min) * (1 + cos(pi * step / total)) / 2, then min (Loshchilov and Hutter, "SGDR", 2017).</summary>
    public static Func<long, float> Cosine(float max, float min, long total)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(total, 1);
        return step => (float)(min + (max - min) * (1 + Math.Cos(Math.PI * Math.Min(step, total) / total)) / 2);
    }

    /// <summary>max * factor^(milestones passed).</summary>
    public static Func<long, float> MultiStep(float max, float factor, params ReadOnlySpan<long> milestones)
    {
        var sorted = milestones.ToArray();
        Array.Sort(sorted);
        return step => (float)(max * Math.Pow(factor, sorted.Count(m => step >= m)));
    }

    /// <summary>min + (max - min) * (1 - step/total)^power.</summary>
    public static Func<long, float> Polynomial(float max, float min, long total, double power)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(total, 1);
        return step => (float)(min + (max - min) * Math.Pow(1 - (double)Math.Min(step, total) / total, power));
    }

    /// <summary>The Transformer's: model^-0.5 * min(s^-0.5, s * warmUp^-1.5) for s = step + 1 (Vaswani et al., 2017).</summary>
    public static Func<long, float> Noam(int modelSize, long warmUp, float scale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modelSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(warmUp, 1);
        return step => (float)(scale * Math.Pow(modelSize, -0.5) * Math.Min(Math.Pow(step + 1, -0.5), (step + 1) * Math.Pow(warmUp, -1.5)));
    }

    /// <summary>Up from max/25 to max by a cosine over the first <paramref name="riseShare"/> of the steps, down to max/10^4 over the rest
    /// (Smith and Topin, "Super-Convergence", 2018; PyTorch's defaults).</summary>
    public static Func<long, float> OneCycle(float max, long total, double riseShare = 0.3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(total, 2);
        var peak = riseShare * total - 1;
        return step => step <= peak
            ? Between(max / 25, max, step / Math.Max(peak, 1))
            : Between(max, max / 25 / 1e4f, Math.Min(1, (step - peak) / (total - 1 - peak)));

        static float Between(float from, float to, double share) => (float)(to + (from - to) * (1 + Math.Cos(Math.PI * share)) / 2);
    }
}
