using Fovea.Interop;

namespace Fovea;

/// <summary>1 - overlap as a loss of boxes.</summary>
public readonly record struct BoxLossOptions
{
    /// <summary>Creates the defaults.</summary>
    public BoxLossOptions()
    {
    }

    /// <summary>Any overlap but <see cref="Overlap.Min"/>.</summary>
    public Overlap Overlap { get; init; } = Overlap.Giou;

    /// <summary>Differentiates CIoU with its alpha as a constant, as its authors do; other overlaps have none.</summary>
    public bool DetachAlpha { get; init; } = true;

    /// <summary>The loss is 1 - IoU^Power, plus each penalty to that power (He et al., "Alpha-IoU", 2021, takes 3). Positive; 1 for
    /// <see cref="Overlap.Siou"/>.</summary>
    public float Power { get; init; } = 1;

    internal fovea_box_loss_params ToNative() => new()
    {
        overlap = (int)Overlap,
        detach_alpha = DetachAlpha ? 1 : 0,
        power = Power,
    };
}
