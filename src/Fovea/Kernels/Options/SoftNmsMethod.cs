namespace Fovea;

/// <summary>Suppression beyond the greedy one.</summary>
public enum SoftNmsMethod
{
    /// <summary>Bodla et al., "Soft-NMS", 2017: scores fall by 1 - IoU above the threshold; the best is chosen anew each time.</summary>
    SoftLinear = 0,

    /// <summary>The same by exp(-IoU^2/sigma) for every box.</summary>
    SoftGaussian = 1,

    /// <summary>Wang et al., "SOLOv2", 2020, linear decay.</summary>
    MatrixLinear = 2,

    /// <summary>Wang et al., "SOLOv2", 2020, Gaussian decay.</summary>
    MatrixGaussian = 3,

    /// <summary>Bolya et al., "YOLACT", 2019: a box falls to any better one, even a dropped one.</summary>
    Fast = 4,

    /// <summary>Zheng et al., "Cluster-NMS", 2020: the fast variant repeated until nothing changes. It keeps what greedy suppression keeps.</summary>
    Cluster = 5,

    /// <summary>The same with its score penalty (SPM) instead: no box is dropped, each falls by exp(-IoU^2/sigma) for every better one that the
    /// cluster variant keeps. Its authors take sigma 0.2.</summary>
    ClusterSpm = 6,
}
