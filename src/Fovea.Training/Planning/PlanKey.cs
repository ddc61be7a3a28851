namespace Fovea.Training.Planning;

/// <summary>What a plan depends on.</summary>
/// <param name="GraphHash">Hash of the recorded ops: kernels, attributes and their order.</param>
/// <param name="ShapesHash">Hash of the shapes and types of all inputs.</param>
/// <param name="Budget">Bytes.</param>
/// <param name="Options">Options of the planner.</param>
public readonly record struct PlanKey(ulong GraphHash, ulong ShapesHash, long Budget, PlannerOptions Options);
