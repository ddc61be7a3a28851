using Fovea.Interop;

namespace Fovea;

/// <summary>Suppression whose results are means of groups.</summary>
public readonly record struct WeightedNmsOptions
{
    /// <summary>Creates the defaults.</summary>
    public WeightedNmsOptions()
    {
    }

    /// <summary>The variant.</summary>
    public WeightedNmsMethod Method { get; init; }

    /// <summary>A box joins a group that it overlaps more than this; box fusion usually takes 0.55.</summary>
    public float IouThreshold { get; init; } = 0.3f;

    /// <summary>Only boxes with a larger score take part.</summary>
    public float ScoreThreshold { get; init; } = float.NegativeInfinity;

    /// <summary>Fusion: how many detectors gave the boxes, at least 1.</summary>
    public int Models { get; init; } = 1;

    /// <summary>Widths and heights with +1.</summary>
    public bool PlusOne { get; init; }

    internal fovea_weighted_nms_params ToNative() => new()
    {
        method = (int)Method,
        iou_threshold = IouThreshold,
        score_threshold = ScoreThreshold,
        models = Models,
        plus_one = PlusOne ? 1 : 0,
    };
}
