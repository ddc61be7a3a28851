using Fovea.Bench.Measure;

namespace Fovea.Bench.Output;

/// <summary>What stands behind a row.</summary>
/// <param name="Accepted">Fovea's undisturbed samples.</param>
/// <param name="Taken">All of Fovea's samples.</param>
/// <param name="IsKernelAlone">The peer's time is that of its kernel inside a network.</param>
/// <param name="FlopsPerByte">Arithmetic intensity of the direct computation; NaN for no traffic.</param>
/// <param name="Tail">Undisturbed calls of Fovea alone, where the tail of their distribution is of interest.</param>
/// <param name="PeerError">The peer's own error, like Fovea's; null where there is nothing to compare.</param>
public sealed record RowDetail(Quantiles Accepted, int Taken, bool IsKernelAlone, double FlopsPerByte, Quantiles? Tail, double? PeerError)
{
    /// <summary>Of a row that was not measured.</summary>
    public static RowDetail None { get; } = new(default, 0, false, double.NaN, null, null);
}
