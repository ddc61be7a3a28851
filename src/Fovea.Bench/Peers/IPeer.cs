using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers;

/// <summary>Another runtime that does the same work.</summary>
public interface IPeer
{
    /// <summary>Name and version.</summary>
    string Name { get; }

    /// <summary>Every way in which it can do the work, most usual first; none where it has no such operator. The caller disposes
    /// them.</summary>
    IEnumerable<Contestant> Create(Workload workload, int threads);
}
