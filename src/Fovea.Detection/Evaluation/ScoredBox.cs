namespace Fovea.Detection.Evaluation;

/// <summary>One detection to be judged.</summary>
/// <param name="Image">Index into <see cref="AnnotatedDataset.Images"/>.</param>
/// <param name="Category">Index into <see cref="AnnotatedDataset.Categories"/>.</param>
/// <param name="Box">Where.</param>
/// <param name="Score">Higher is surer; a detection whose score is NaN is left out.</param>
public readonly record struct ScoredBox(int Image, int Category, BoxXywh Box, double Score);
