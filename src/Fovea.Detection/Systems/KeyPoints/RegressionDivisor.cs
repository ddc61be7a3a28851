namespace Fovea.Detection.Systems;

/// <summary>What the summed regression loss of N key points with n numbers each is divided by, where the published codes differ.</summary>
public enum RegressionDivisor
{
    /// <summary>n*N + 1e-4, as in CenterNet's code.</summary>
    Numbers = 0,

    /// <summary>N + 1e-4, as in CornerNet's code.</summary>
    Objects = 1,
}
