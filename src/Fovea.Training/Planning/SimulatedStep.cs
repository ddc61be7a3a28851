namespace Fovea.Training.Planning;

/// <summary>One op of a simulated schedule.</summary>
/// <param name="StartMs">When its engine begins it.</param>
/// <param name="EndMs">When its engine is done with it.</param>
/// <param name="LiveBytes">Bytes live on the device at the worst moment of the op.</param>
public readonly record struct SimulatedStep(double StartMs, double EndMs, long LiveBytes);
