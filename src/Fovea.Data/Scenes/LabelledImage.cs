namespace Fovea.Data;

/// <summary>An image with what is to be found in it.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Objects">What is in it; none is allowed.</param>
public sealed record LabelledImage(RgbImage Image, IReadOnlyList<LabelledObject> Objects);
