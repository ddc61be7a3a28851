namespace Fovea;

/// <summary>How a detector head encodes boxes.</summary>
public enum BoxMode
{
    /// <summary>x1 y1 x2 y2.</summary>
    Plain = 0,

    /// <summary>Centre and size in pixels (DETR after scaling, exported YOLOv5 to v8).</summary>
    Centre = 1,

    /// <summary>Deltas of anchor boxes (Girshick et al., R-CNN).</summary>
    Deltas = 2,

    /// <summary>Distances to the four sides in strides from anchors x, y, stride (FCOS, YOLOv8).</summary>
    Distances = 3,

    /// <summary>YOLOX: offsets from grid cells, logarithmic sizes.</summary>
    Grid = 4,

    /// <summary>Distances as expectations over bins (Li et al., "Generalized Focal Loss", 2020).</summary>
    Bins = 5,
}
