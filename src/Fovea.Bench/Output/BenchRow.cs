using System.Text.Json.Serialization;

namespace Fovea.Bench.Output;

/// <summary>Fovea's time for a workload beside one contestant of a peer, or alone. The properties are the fields of a JSON row; values
/// that do not apply are null.</summary>
public sealed record BenchRow
{
    [JsonPropertyName("family")]
    public required string Family { get; init; }

    [JsonPropertyName("workload")]
    public required string Workload { get; init; }

    /// <summary>The device's backend.</summary>
    [JsonPropertyName("backend")]
    public required string Backend { get; init; }

    [JsonPropertyName("isa")]
    public required string Isa { get; init; }

    [JsonPropertyName("threads")]
    public required int Threads { get; init; }

    /// <summary>Median of the accepted samples.</summary>
    [JsonPropertyName("microseconds")]
    public required double Microseconds { get; init; }

    /// <summary>From the 10th to the 90th percentile, as a share of the median.</summary>
    [JsonPropertyName("spread")]
    public double? Spread { get; init; }

    /// <summary>Name, version and form of the peer.</summary>
    [JsonPropertyName("peer")]
    public string? Peer { get; init; }

    [JsonPropertyName("peer_microseconds")]
    public double? PeerMicroseconds { get; init; }

    /// <summary>The peer's time over Fovea's.</summary>
    [JsonPropertyName("ratio")]
    public double? Ratio { get; init; }

    /// <summary>Nominal operations of the direct computation per second.</summary>
    [JsonPropertyName("gflops")]
    public double? Gflops { get; init; }

    /// <summary>Least traffic per second.</summary>
    [JsonPropertyName("gbytes")]
    public double? Gbytes { get; init; }

    /// <summary>The least time of the direct computation on this machine, in percent of Fovea's. Winograd can exceed 100.</summary>
    [JsonPropertyName("percent_of_limit")]
    public double? PercentOfLimit { get; init; }

    /// <summary>Of Fovea's result against double precision, relative to the largest magnitude; else against the first peer.</summary>
    [JsonPropertyName("max_relative_error")]
    public double? MaxRelativeError { get; init; }

    /// <summary>Managed bytes per call of Fovea.</summary>
    [JsonPropertyName("allocated_bytes")]
    public long AllocatedBytes { get; init; }

    /// <summary>What tables say besides; not part of the JSON row.</summary>
    [JsonIgnore]
    public RowDetail Detail { get; init; } = RowDetail.None;
}
