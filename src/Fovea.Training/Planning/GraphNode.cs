namespace Fovea.Training.Planning;

/// <summary>One op of a graph, forward or backward, and its result.</summary>
/// <param name="Ms">Time of the op in milliseconds.</param>
/// <param name="Bytes">Bytes of the result.</param>
/// <param name="Inputs">Nodes whose results the op reads; all come before it.</param>
public sealed record GraphNode(double Ms, long Bytes, params int[] Inputs);
