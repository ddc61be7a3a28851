namespace Fovea.Bench;

/// <summary>What a run measures and how long it takes.</summary>
public sealed record BenchOptions
{
    /// <summary>Names of families; none for all.</summary>
    public IReadOnlyList<string> Families { get; init; } = [];

    /// <summary>Only rows whose name contains this.</summary>
    public string? Filter { get; init; }

    /// <summary>Whether other runtimes do the same work in turn.</summary>
    public bool Peers { get; init; }

    /// <summary>Threads per call.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Fewer samples.</summary>
    public bool Quick { get; init; }
}
