namespace Fovea.Detection.Systems;

/// <summary>Where the point of a feature map's first cell lies, from which a dense head measures distances.</summary>
public enum CellPoint
{
    /// <summary>At floor(stride/2) in both directions: FCOS's paper.</summary>
    Middle,

    /// <summary>At 0: torchvision's FCOS, ATSS, VarifocalNet.</summary>
    Corner,
}
