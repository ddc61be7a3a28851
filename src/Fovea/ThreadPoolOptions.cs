namespace Fovea;

/// <summary>The process-wide pool of CPU threads.</summary>
public readonly record struct ThreadPoolOptions
{
    /// <summary>Creates the defaults.</summary>
    public ThreadPoolOptions()
    {
    }

    /// <summary>Threads that may work at once, callers included; 0 for the number of logical processors.</summary>
    public int Count { get; init; }

    /// <summary>How long an idle worker spins before it sleeps, in microseconds; negative for the default.</summary>
    public int SpinMicroseconds { get; init; } = -1;

    /// <summary>Whether workers are pinned to processors.</summary>
    public bool Pin { get; init; }
}
