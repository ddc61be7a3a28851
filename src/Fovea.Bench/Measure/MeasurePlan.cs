namespace Fovea.Bench.Measure;

/// <summary>How much is measured.</summary>
public sealed record MeasurePlan
{
    /// <summary>What an undisturbed FMA burst reaches, GFLOP/s.</summary>
    public required double Peak { get; init; }

    /// <summary>Accepted samples after which a contestant needs no more.</summary>
    public int Wanted { get; init; } = 25;

    /// <summary>Samples after which it gets no more, on a machine that is never quiet.</summary>
    public int Most { get; init; } = 150;

    /// <summary>Timed seconds of the slowest contestant after which all end.</summary>
    public double Seconds { get; init; } = 0.8;

    /// <summary>Samples that each contestant gets even so, unless they take longer than <see cref="MostSeconds"/>.</summary>
    public int Least { get; init; } = 5;

    /// <summary>Timed seconds after which a contestant takes part no more, unless <see cref="Seconds"/> are more: the slowest forms of a
    /// peer must not make a run endless.</summary>
    public double MostSeconds { get; init; } = 4;

    /// <summary>Short calls are repeated until a sample lasts this long; 0 for one call per sample.</summary>
    public double SampleSeconds { get; init; } = 500e-6;

    /// <summary>Seconds of uncounted calls in front, at least three calls; one call is enough where it takes half a second.</summary>
    public double WarmUpSeconds { get; init; } = 0.1;

    /// <summary>Samples per turn.</summary>
    public int SamplesPerTurn { get; init; } = 4;

    /// <summary>Whether contestants have workers of their own. Then a turn begins when those of the contestant before have gone to
    /// sleep, and an uncounted call right in front of each sample wakes those of this one.</summary>
    public bool HasWorkers { get; init; }

    /// <summary>Threads of this process that never pause: the disturbance that is measured.</summary>
    public int BusyThreads { get; init; }

    /// <summary>Whether only undisturbed samples count. Not so where the disturbance is what is measured.</summary>
    public bool Gated { get; init; } = true;
}
