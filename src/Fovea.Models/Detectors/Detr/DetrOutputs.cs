using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>What a <see cref="DetrNet"/> says of a batch of B images with N queries.</summary>
/// <param name="Logits">[B][N][classes + 1] of each decoder layer, the last class "no object".</param>
/// <param name="Boxes">[B][N][4] of each decoder layer: centre, width and height as shares of the image.</param>
/// <param name="States">[B][N][width]: the queries behind the last layer.</param>
/// <param name="Memory">[B][H][W][width]: the encoded image.</param>
/// <param name="Projected">[B][H][W][width]: the image in front of the encoder.</param>
/// <param name="Levels">Maps of the backbone, finest first.</param>
public sealed record DetrOutputs(
    IReadOnlyList<Value> Logits, IReadOnlyList<Value> Boxes, Value States, Value Memory, Value Projected, IReadOnlyList<Value> Levels);
