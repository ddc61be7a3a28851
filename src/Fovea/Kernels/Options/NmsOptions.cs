using Fovea.Interop;

namespace Fovea;

/// <summary>Greedy non-maximum suppression.</summary>
public readonly record struct NmsOptions
{
    /// <summary>Creates the defaults.</summary>
    public NmsOptions()
    {
    }

    /// <summary>A box falls to a better one when they overlap more than this.</summary>
    public float IouThreshold { get; init; } = 0.5f;

    /// <summary>Only boxes with a larger score take part.</summary>
    public float ScoreThreshold { get; init; } = float.NegativeInfinity;

    /// <summary>How overlap is measured.</summary>
    public Overlap Overlap { get; init; }

    /// <summary>Widths and heights with +1.</summary>
    public bool PlusOne { get; init; }

    /// <summary>An overlap equal to the threshold suppresses too.</summary>
    public bool Inclusive { get; init; }

    /// <summary>Most kept boxes per class; 0 for no limit.</summary>
    public int MaxPerClass { get; init; }

    internal fovea_nms_params ToNative() => new()
    {
        iou_threshold = IouThreshold,
        score_threshold = ScoreThreshold,
        overlap = (int)Overlap,
        plus_one = PlusOne ? 1 : 0,
        inclusive = Inclusive ? 1 : 0,
        max_per_class = MaxPerClass,
    };
}
