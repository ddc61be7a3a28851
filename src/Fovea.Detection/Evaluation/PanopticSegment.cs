namespace Fovea.Detection.Evaluation;

/// <summary>A segment of a panoptic labelling.</summary>
/// <param name="Id">Its value in the map of ids; not 0, which means void.</param>
/// <param name="Category">Index of its category.</param>
/// <param name="IsCrowd">A region with many objects, in the truth only: neither finding nor missing it counts.</param>
public readonly record struct PanopticSegment(int Id, int Category, bool IsCrowd = false);
