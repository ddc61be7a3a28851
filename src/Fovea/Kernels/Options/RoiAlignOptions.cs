using Fovea.Interop;

namespace Fovea;

/// <summary>How boxes are laid over a feature map, and what their bins become.</summary>
public readonly record struct RoiAlignOptions
{
    /// <summary>Detectron2's and ONNX's defaults: the mean of as many samples as a bin has cells, shifted by half a cell.</summary>
    public RoiAlignOptions()
    {
    }

    /// <summary>What a bin becomes.</summary>
    public RoiMode Mode { get; init; }

    /// <summary>Feature cells per unit of the boxes: 1/16 for image pixels on a map of stride 16.</summary>
    public float SpatialScale { get; init; } = 1;

    /// <summary>Samples per bin and axis; 0 takes the bin's size in cells, rounded up. <see cref="RoiMode.Pool"/> ignores it.</summary>
    public int SamplingRatio { get; init; }

    /// <summary>Coordinates are shifted by half a cell, so that a box and the cells it covers agree. Without it boxes are at least one
    /// cell wide and high, as torchvision's multi-scale pooling does.</summary>
    public bool Aligned { get; init; } = true;

    internal fovea_roi_align_params ToNative() => new()
    {
        mode = (int)Mode,
        spatial_scale = SpatialScale,
        sampling_ratio = SamplingRatio,
        aligned = Aligned ? 1 : 0,
    };
}
