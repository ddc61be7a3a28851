using Fovea.Interop;

namespace Fovea;

/// <summary>Peaks of a heat map as boxes.</summary>
public readonly record struct PeakOptions
{
    /// <summary>Creates the defaults, CenterNet's: logits, 3 x 3 windows, sizes and offsets in cells of 4 pixels, the best 100.</summary>
    public PeakOptions()
    {
    }

    /// <summary>What the heat map holds: plain probabilities, or logits of a sigmoid.</summary>
    public ScoreMode Scores { get; init; } = ScoreMode.Sigmoid;

    /// <summary>What the size map holds.</summary>
    public PeakSize Sizes { get; init; }

    /// <summary>Cells a side around a peak that do not exceed it; odd, 1 for every cell.</summary>
    public int Window { get; init; } = 3;

    /// <summary>Most peaks; 0 for the capacity of the output.</summary>
    public int TopK { get; init; } = 100;

    /// <summary>Only larger scores survive.</summary>
    public float ScoreThreshold { get; init; }

    /// <summary>Pixels per cell.</summary>
    public float Stride { get; init; } = 4;

    /// <summary>Pixels per unit of the size map: the stride where sizes are in cells, 1 where they are in pixels.</summary>
    public float SizeScale { get; init; } = 4;

    /// <summary>Boxes are clipped to [0, width]; 0 for no clipping.</summary>
    public float ClipWidth { get; init; }

    /// <summary>Boxes are clipped to [0, height]; 0 for no clipping.</summary>
    public float ClipHeight { get; init; }

    internal fovea_peak_params ToNative() => new()
    {
        score_mode = (int)Scores,
        size_mode = (int)Sizes,
        window = Window,
        top_k = TopK,
        score_threshold = ScoreThreshold,
        stride = Stride,
        size_scale = SizeScale,
        clip_w = ClipWidth,
        clip_h = ClipHeight,
    };
}
