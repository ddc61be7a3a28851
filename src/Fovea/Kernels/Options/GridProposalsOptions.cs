using Fovea.Interop;

namespace Fovea;

/// <summary>Which cells of a score map become boxes, and where they are in the image.</summary>
public readonly record struct GridProposalsOptions
{
    /// <summary>Creates the defaults.</summary>
    public GridProposalsOptions()
    {
    }

    /// <summary>Cells with a score of at least this.</summary>
    public float Threshold { get; init; }

    /// <summary>Score-map input pixels from one cell to the next.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>Size of a cell in score-map input pixels.</summary>
    public int Cell { get; init; }

    /// <summary>Coordinate of the first cell.</summary>
    public float Origin { get; init; }

    /// <summary>Score-map input pixels per image pixel, horizontally.</summary>
    public float ScaleX { get; init; } = 1;

    /// <summary>Score-map input pixels per image pixel, vertically.</summary>
    public float ScaleY { get; init; } = 1;

    /// <summary>Boxes include their last pixel.</summary>
    public bool PlusOne { get; init; }

    /// <summary>Whether boxes are moved to whole pixels.</summary>
    public Rounding Rounding { get; init; }

    internal fovea_grid_proposals_params ToNative() => new()
    {
        threshold = Threshold,
        stride = Stride,
        cell = Cell,
        origin = Origin,
        scale_x = ScaleX,
        scale_y = ScaleY,
        plus_one = PlusOne ? 1 : 0,
        rounding = (int)Rounding,
    };
}
