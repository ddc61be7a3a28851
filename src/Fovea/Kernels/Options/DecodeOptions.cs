using Fovea.Interop;

namespace Fovea;

/// <summary>A fused detector head: scores, threshold, top-k, box decoding.</summary>
public readonly record struct DecodeOptions
{
    /// <summary>Creates the defaults: plain scores and boxes, every class over 0.05.</summary>
    public DecodeOptions()
    {
    }

    /// <summary>What the scores are.</summary>
    public ScoreMode Scores { get; init; }

    /// <summary>How boxes are encoded.</summary>
    public BoxMode Boxes { get; init; }

    /// <summary>Softmax: the column that means "nothing", or -1.</summary>
    public int Background { get; init; } = -1;

    /// <summary>Bins per side of <see cref="BoxMode.Bins"/>, 2 to 64.</summary>
    public int Bins { get; init; }

    /// <summary>Only the best class of a row, the lowest index on ties.</summary>
    public bool BestClass { get; init; }

    /// <summary>Most candidates; 0 for the capacity of the output.</summary>
    public int TopK { get; init; }

    /// <summary>Only larger scores survive.</summary>
    public float ScoreThreshold { get; init; } = 0.05f;

    /// <summary>Divisors of the four deltas; 0 means 1.</summary>
    public (float X, float Y, float Width, float Height) DeltaWeights { get; init; }

    /// <summary>Boxes are clipped to [0, width]; 0 for no clipping.</summary>
    public float ClipWidth { get; init; }

    /// <summary>Boxes are clipped to [0, height]; 0 for no clipping.</summary>
    public float ClipHeight { get; init; }

    internal fovea_decode_params ToNative()
    {
        var native = new fovea_decode_params
        {
            score_mode = (int)Scores,
            box_mode = (int)Boxes,
            background = Background,
            bins = Bins,
            best_class = BestClass ? 1 : 0,
            top_k = TopK,
            score_threshold = ScoreThreshold,
            clip_w = ClipWidth,
            clip_h = ClipHeight,
        };
        native.delta_weights[0] = DeltaWeights.X;
        native.delta_weights[1] = DeltaWeights.Y;
        native.delta_weights[2] = DeltaWeights.Width;
        native.delta_weights[3] = DeltaWeights.Height;
        return native;
    }
}
