namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>How x' = A x + B u becomes a step x[k] = A' x[k-1] + B' u[k] of length dt.</summary>
public enum Discretization
{
    /// <summary>Euler: A' = I + dt A, B' = dt B. Unstable where |1 + dt a| exceeds 1 for an eigenvalue a.</summary>
    Forward,

    /// <summary>Backward Euler: A' = (I - dt A)^-1, B' = A' dt B.</summary>
    Backward,

    /// <summary>Trapezoidal (Tustin): A' = (I - dt A/2)^-1 (I + dt A/2), B' = (I - dt A/2)^-1 dt B.</summary>
    Bilinear,

    /// <summary>Zero-order hold, exact for inputs that are constant over a step: A' = e^(dt A), B' = A^-1 (A' - I) B.</summary>
    Exact,
}
