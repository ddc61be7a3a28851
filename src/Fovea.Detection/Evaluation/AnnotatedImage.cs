namespace Fovea.Detection.Evaluation;

/// <summary>An image of a labelled set.</summary>
/// <param name="Id">Number by which result files name it; unique in the set.</param>
/// <param name="FileName">File name as the annotations give it.</param>
/// <param name="Width">Columns in pixels, or 0 where the annotations do not say.</param>
/// <param name="Height">Rows in pixels, or 0 where the annotations do not say.</param>
public sealed record AnnotatedImage(long Id, string FileName, int Width, int Height);
