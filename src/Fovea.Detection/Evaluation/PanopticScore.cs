namespace Fovea.Detection.Evaluation;

/// <summary>Panoptic quality of one category or a mean over categories; NaN where nothing was to be found and nothing was found.</summary>
/// <param name="Pq">Panoptic quality, the product of the other two.</param>
/// <param name="Sq">Segmentation quality: mean overlap of the matched segments.</param>
/// <param name="Rq">Recognition quality: F1 of the matching.</param>
public readonly record struct PanopticScore(double Pq, double Sq, double Rq);
