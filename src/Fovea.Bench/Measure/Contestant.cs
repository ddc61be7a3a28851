namespace Fovea.Bench.Measure;

/// <summary>One side of a comparison. It owns what its calls need.</summary>
/// <param name="name">Name in the table.</param>
/// <param name="call">One unit of work, the thing that is timed.</param>
public sealed class Contestant(string name, Action call) : IDisposable
{
    public string Name => name;

    /// <summary>Stopwatch ticks of the last call that a second series leaves out (preprocessing), or null.</summary>
    public Func<long>? NotCounted { get; init; }

    /// <summary>The result of the last call in the workload's layout, or null where there is nothing to compare.</summary>
    public Func<float[]>? Read { get; init; }

    /// <summary>Asked once after all calls: seconds that each call spent in the part of interest, in order of the calls. Replaces the
    /// wall time: this is how one operator inside a network is timed by the peer's own profiler.</summary>
    public Func<IReadOnlyList<double>>? InnerSeconds { get; init; }

    /// <summary>Whether this is the kernel alone, as inside a network, and not the operator with the layouts of its caller.</summary>
    public bool IsKernelAlone { get; init; }

    /// <summary>Disposed with the contestant, last one first.</summary>
    public IReadOnlyList<IDisposable> Owned { get; init; } = [];

    /// <summary>Calls so far.</summary>
    public int Calls { get; private set; }

    public void Call()
    {
        call();
        Calls++;
    }

    /// <summary>This contestant under another name; it is disposed with the new one.</summary>
    public Contestant Named(string other) => new(other, Call)
    {
        NotCounted = NotCounted,
        Read = Read,
        InnerSeconds = InnerSeconds,
        IsKernelAlone = IsKernelAlone,
        Owned = [this],
    };

    public void Dispose()
    {
        for (int i = Owned.Count - 1; i >= 0; i--) Owned[i].Dispose();
    }
}
