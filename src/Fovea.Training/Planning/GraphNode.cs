namespace Fovea.Training.Planning;

/// <summary>One op of a graph, forward or backward, and its result.</summary>
/// <param name="Ms">Time of the op in milliseconds.</param>
/// <param name="Bytes">Bytes of the result.</param>
/// <param name="Inputs">Nodes whose results the op reads; all come before it.</param>
public sealed record GraphNode(double Ms, long Bytes, params int[] Inputs)
{
    /// <summary>Bytes that a run needs besides its inputs and its result.</summary>
    public long WorkBytes { get; init; }

    /// <summary>Bytes in use by what no schedule moves (gradients, results that are read at the end) from the end of the node
    /// before this one to the end of this one's first run.</summary>
    public long ReservedBytes { get; init; }
}
