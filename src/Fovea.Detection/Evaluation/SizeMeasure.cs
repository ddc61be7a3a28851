namespace Fovea.Detection.Evaluation;

/// <summary>What is meant by an object's size.</summary>
public enum SizeMeasure
{
    /// <summary>Area in square pixels: <see cref="AnnotatedObject.Area"/>, and the box's area for detections (COCO).</summary>
    Area,

    /// <summary>The box's shorter side in pixels (usual for faces).</summary>
    ShorterSide,
}
