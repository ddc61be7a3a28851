namespace Fovea.Bench.Workloads;

/// <summary>A kind of suppression that a row is about.</summary>
public enum Suppression
{
    Soft,
    Matrix,
    Fast,
    Cluster,
    Penalty,
    Guided,
    Averaged,
    Fusion,
}
