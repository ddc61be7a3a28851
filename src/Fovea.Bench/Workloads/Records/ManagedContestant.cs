using System.Diagnostics;
using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Makes contestants of managed code: before anything is timed, the JIT has to have compiled it for the last time.</summary>
public static class ManagedContestant
{
    // Methods are compiled again after 30 calls and 100 ms without new ones, in the background and at most twice.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);

    /// <param name="name">Name in the table.</param>
    /// <param name="call">One unit of work.</param>
    /// <param name="read">The result of the last call.</param>
    /// <param name="owned">Disposed with the contestant.</param>
    public static Contestant Create(string name, Action call, Func<float[]>? read = null, params IReadOnlyList<IDisposable> owned)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < WarmUp) call();
        return new Contestant(name, call) { Read = read, Owned = owned };
    }
}
