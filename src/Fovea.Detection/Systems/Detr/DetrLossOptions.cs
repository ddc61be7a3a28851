namespace Fovea.Detection.Systems;

/// <summary>Weights of DETR's loss. The costs of matching have the same weights as the losses they stand for.</summary>
public sealed record DetrLossOptions
{
    /// <summary>Of the cross-entropy, and of the probability in the costs.</summary>
    public float ClassWeight { get; init; } = 1;

    /// <summary>Of the L1 distance of the boxes.</summary>
    public float BoxWeight { get; init; } = 5;

    /// <summary>Of 1 - GIoU.</summary>
    public float GiouWeight { get; init; } = 2;

    /// <summary>Of "no object" among the classes: most queries find nothing.</summary>
    public float NoObjectWeight { get; init; } = 0.1f;

    /// <summary>Of the focal and of the dice loss of the masks.</summary>
    public float MaskWeight { get; init; } = 1;

    /// <summary>Whether every decoder layer is matched and asked, or the last one alone.</summary>
    public bool Auxiliary { get; init; } = true;
}
