namespace Fovea.Models.Detectors;

/// <summary>Sizes of a <see cref="DetrNet"/>. The defaults are those of the paper's DETR on COCO.</summary>
public sealed record DetrOptions
{
    /// <summary>Classes of objects; one logit more says "no object". COCO's numbers go up to 90.</summary>
    public int Classes { get; init; } = 91;

    /// <summary>Object queries: the most objects that can be found in an image.</summary>
    public int Queries { get; init; } = 100;

    /// <summary>Numbers per position, a multiple of four and of <see cref="Heads"/>.</summary>
    public int Width { get; init; } = 256;

    /// <summary>Heads of each attention.</summary>
    public int Heads { get; init; } = 8;

    /// <summary>Numbers per position inside a feed-forward block.</summary>
    public int FeedForwardWidth { get; init; } = 2048;

    /// <summary>Layers that let the cells of the image see each other.</summary>
    public int EncoderLayers { get; init; } = 6;

    /// <summary>Layers that let the queries see each other and the image.</summary>
    public int DecoderLayers { get; init; } = 6;

    /// <summary>Share of elements that training drops.</summary>
    public float Dropout { get; init; } = 0.1f;

    /// <summary>Whether a mask is drawn for each query (the paper's panoptic head).</summary>
    public bool Masks { get; init; }

    /// <summary>Groups of the mask head's normalisation.</summary>
    public int MaskGroups { get; init; } = 8;
}
