namespace Fovea.Detection.Boxes;

/// <summary>What the four numbers of a box mean.</summary>
public enum BoxFormat
{
    /// <summary>x1 y1 x2 y2: top left and bottom right corner (VOC, torchvision; what the kernels take).</summary>
    Corners,

    /// <summary>x y w h: top left corner and size (COCO's annotations).</summary>
    CornerSize,

    /// <summary>cx cy w h: centre and size (YOLO, DETR).</summary>
    CentreSize,
}
