namespace Fovea.Bench.Workloads.Network;

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxStep(string Input, string Output) : NetworkStep(Input, Output);
