namespace Fovea.Benchmarks.Latency;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">Name in the table.</param>
/// <param name="Call">One unit of work, the thing that is timed.</param>
/// <param name="NotCounted">Stopwatch ticks of the last call that a second series leaves out (preprocessing), or null.</param>
internal sealed record Contestant(string Name, Action Call, Func<long>? NotCounted = null);
