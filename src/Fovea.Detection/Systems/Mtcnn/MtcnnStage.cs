namespace Fovea.Detection.Systems;

/// <summary>The networks of a cascade, in the order in which they look and are trained.</summary>
public enum MtcnnStage
{
    /// <summary>P-Net, over all windows.</summary>
    Proposal = 0,

    /// <summary>R-Net, over what P-Net lets through.</summary>
    Refinement = 1,

    /// <summary>O-Net, over what R-Net lets through.</summary>
    Output = 2,
}
