namespace Fovea.Bench.Workloads.Network;

/// <summary>Maximum over windows.</summary>
public sealed record PoolStep(string Input, string Output, Pool2DOptions Options) : NetworkStep(Input, Output);
