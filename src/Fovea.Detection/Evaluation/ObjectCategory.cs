namespace Fovea.Detection.Evaluation;

/// <summary>A class of objects.</summary>
/// <param name="Id">Number by which result files name it; unique in the set, not necessarily consecutive (COCO: 1 to 90).</param>
/// <param name="Name">Name such as "person".</param>
public sealed record ObjectCategory(long Id, string Name);
