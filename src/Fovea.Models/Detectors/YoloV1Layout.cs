namespace Fovea.Models.Detectors;

/// <summary>How the numbers of an image lie in what a YOLO v1 network puts out, for S by S cells of B boxes and C classes.</summary>
public enum YoloV1Layout
{
    /// <summary>Darknet's: [S*S][C] classes, then [S*S][B] confidences, then [S*S][B][4] boxes.</summary>
    Vector,

    /// <summary>[S*S] cells of B times x y w h confidence, then C classes: what a convolution puts out.</summary>
    PerCell,
}
