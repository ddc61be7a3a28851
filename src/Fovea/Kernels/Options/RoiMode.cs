namespace Fovea;

/// <summary>How <see cref="Kernels.RoiAlign"/> makes one value of the cells of a bin.</summary>
public enum RoiMode
{
    /// <summary>The mean of bilinear samples (He et al., "Mask R-CNN", 2017).</summary>
    Align = 0,

    /// <summary>The largest of the weighted corner values of all samples, as ONNX's RoiAlign with mode max.</summary>
    AlignMax = 1,

    /// <summary>The maximum of the cells of a bin, the box's corners being rounded to cells; 0 for an empty bin (Girshick, "Fast R-CNN",
    /// 2015).</summary>
    Pool = 2,
}
