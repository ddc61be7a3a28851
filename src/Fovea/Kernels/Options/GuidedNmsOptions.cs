using Fovea.Interop;

namespace Fovea;

/// <summary>IoU-guided suppression.</summary>
public readonly record struct GuidedNmsOptions
{
    /// <summary>Creates the defaults.</summary>
    public GuidedNmsOptions()
    {
    }

    /// <summary>Boxes that overlap the best located one more than this belong to it.</summary>
    public float IouThreshold { get; init; } = 0.5f;

    /// <summary>Only boxes with a larger score take part.</summary>
    public float ScoreThreshold { get; init; } = float.NegativeInfinity;

    /// <summary>Widths and heights with +1.</summary>
    public bool PlusOne { get; init; }

    internal fovea_soft_nms_params ToNative() => new()
    {
        iou_threshold = IouThreshold,
        score_threshold = ScoreThreshold,
        plus_one = PlusOne ? 1 : 0,
    };
}
