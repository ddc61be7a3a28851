namespace Fovea.Detection.Systems;

/// <summary>Numbers of a Faster R-CNN; the defaults are torchvision's for images of 800 to 1333 pixels.</summary>
public sealed record FasterRcnnOptions
{
    /// <summary>Side of a level's anchors, in pixels.</summary>
    public IReadOnlyList<float> AnchorSides { get; init; } = [32, 64, 128, 256, 512];

    /// <summary>Height by width of the anchors of a cell.</summary>
    public IReadOnlyList<float> Ratios { get; init; } = [0.5f, 1, 2];

    /// <summary>Best anchors of each level that become boxes, in training and in detection.</summary>
    public (int Training, int Detection) CandidatesPerLevel { get; init; } = (2000, 1000);

    /// <summary>Boxes that are left of them after suppression: the proposals.</summary>
    public (int Training, int Detection) Proposals { get; init; } = (2000, 1000);

    /// <summary>Anchors per image that the proposal loss looks at, half of them with an object at most.</summary>
    public int AnchorSamples { get; init; } = 256;

    /// <summary>Proposals per image that the region loss looks at, a quarter of them with an object at most.</summary>
    public int RegionSamples { get; init; } = 512;

    /// <summary>Side of a square that takes its features from the level of stride 16, one of twice the side from the next (Lin et al.,
    /// 2017).</summary>
    public float RegionSide { get; init; } = 224;
}
