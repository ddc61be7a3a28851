using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What a network is to say of N windows.</summary>
/// <param name="IsFace">[N][1]: 1 for a face.</param>
/// <param name="HasClass">[N][1]: 1 for faces and background.</param>
/// <param name="Deltas">[N][4].</param>
/// <param name="DeltaWeights">[N][1]: 1/their number for faces and parts, else 0.</param>
/// <param name="Points">[N][10].</param>
/// <param name="PointWeights">[N][1]: 1/their number where landmarks are known, else 0.</param>
internal readonly record struct MtcnnTargets(Value IsFace, Value HasClass, Value Deltas, Value DeltaWeights, Value Points, Value PointWeights);
