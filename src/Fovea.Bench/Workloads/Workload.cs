using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>One row's work, described plainly enough that Fovea and every peer can build their own form of it. Inputs are made from a
/// fixed seed, in Fovea's layouts; peers bring them into theirs before anything is timed.</summary>
public abstract class Workload(string family, string name)
{
    public string Family { get; init; } = family;

    public string Name { get; init; } = name;

    /// <summary>Threads per call where the row is about them; null for what the run was told.</summary>
    public int? Threads { get; init; }

    /// <summary>Nominal operations of the direct computation, a multiply-add counting two, padding included.</summary>
    public abstract double Flops { get; }

    /// <summary>Bytes that must be read at least.</summary>
    public abstract double BytesRead { get; }

    /// <summary>Bytes that must be written at least.</summary>
    public abstract double BytesWritten { get; }

    /// <summary>Whether the tail of the distribution is of interest: many calls are timed.</summary>
    public bool WantsTail { get; init; }

    /// <summary>The relative error that rounding explains; a larger one is reported.</summary>
    public virtual double Tolerance => 1e-3;

    /// <summary>A captured call of Fovea; the stream must outlive it.</summary>
    public abstract Contestant CreateFovea(DeviceStream stream);

    /// <summary>Elements of the result computed in double precision, or null where that is not cheap.</summary>
    public virtual ReferenceSample? Reference() => null;
}
