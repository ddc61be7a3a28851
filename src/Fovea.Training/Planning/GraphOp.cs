namespace Fovea.Training.Planning;

/// <summary>One op of a schedule of a graph.</summary>
/// <param name="Node">Index of the node.</param>
/// <param name="IsFree">True to release its result, false to run it.</param>
public readonly record struct GraphOp(int Node, bool IsFree);
