namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>First values of the diagonal A of S4D, for n from 0 to N/2 - 1.</summary>
public enum S4DInit
{
    /// <summary>-1/2 + i pi n: frequencies of a Fourier series.</summary>
    Lin,

    /// <summary>-1/2 + i (N/pi) (N/(2n+1) - 1): close to <see cref="LegS"/> for large N.</summary>
    Inv,

    /// <summary>The diagonal part of HiPPO's LegS.</summary>
    LegS,

    /// <summary>-(n+1): no oscillation, as in Mamba.</summary>
    Real,
}
