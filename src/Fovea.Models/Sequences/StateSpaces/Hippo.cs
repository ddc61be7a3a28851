namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Systems whose state holds the coefficients of the past in orthogonal polynomials (Gu et al., "HiPPO: Recurrent Memory with
/// Optimal Polynomial Projections", 2020), with signs as in x' = A x + B u.</summary>
public static class Hippo
{
    /// <summary>Scaled Legendre, for all of the past: c' = (A c + B f) / t. Eigenvalues of A are -1 .. -N.</summary>
    public static LinearSystem LegS(int size) => Of(size, (n, k) => n > k ? -Norm(n) * Norm(k) : n == k ? -(n + 1) : 0, Norm);

    /// <summary>Translated Legendre, for a window theta: c' = (A c + B f) / theta.</summary>
    public static LinearSystem LegT(int size) => Of(size, (n, k) => -Norm(n) * Norm(k) * (k <= n ? 1 : Sign(n - k)), Norm);

    /// <summary>LegT with rows scaled otherwise: the Legendre memory unit (Voelker et al., 2019), c' = (A c + B f) / theta.</summary>
    public static LinearSystem Lmu(int size) =>
        Of(size, (n, k) => (2 * n + 1) * (n < k ? -1 : Sign(n - k + 1)), n => (2 * n + 1) * Sign(n));

    /// <summary>Translated Laguerre (alpha 0, beta 1), whose memory fades exponentially.</summary>
    public static LinearSystem LagT(int size) => Of(size, (n, k) => n >= k ? -1 : 0, _ => 1);

    /// <summary>The step number <paramref name="k"/> = 1, 2, .. of LegS, sampled at times in the proportion of k: a step of dt = 1/k, or
    /// for the exact rule of ln(k/(k-1)). Nothing but k enters, so the memory does not depend on the unit of time.</summary>
    public static LinearSystem LegSStep(int size, int k, Discretization rule)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        var system = LegS(size);
        if (rule != Discretization.Exact) return system.Discretize(1.0 / k, rule);
        if (k > 1) return system.Discretize(Math.Log(k / (k - 1.0)), rule);
        // From time 0 on the input was constant: its projection is (u, 0, ..).
        var first = new double[size];
        first[0] = 1;
        return new LinearSystem(new double[size, size], first);
    }

    /// <summary>The function that coefficients stand for, at <paramref name="position"/> of the window from 0, its oldest point, to 1,
    /// now: the sum of c[n] sqrt(2n+1) P_n(2 position - 1). For LegS and LegT.</summary>
    public static double Reconstruct(ReadOnlySpan<double> coefficients, double position)
    {
        double x = 2 * position - 1, before = 0, legendre = 1, sum = 0;
        for (var n = 0; n < coefficients.Length; n++)
        {
            sum += coefficients[n] * Norm(n) * legendre;
            (before, legendre) = (legendre, ((2 * n + 1) * x * legendre - n * before) / (n + 1));
        }
        return sum;
    }

    private static double Norm(int n) => Math.Sqrt(2 * n + 1);

    private static int Sign(int power) => power % 2 == 0 ? 1 : -1;

    private static LinearSystem Of(int size, Func<int, int, double> a, Func<int, double> b)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        var matrix = new double[size, size];
        var vector = new double[size];
        for (var n = 0; n < size; n++)
        {
            for (var k = 0; k < size; k++) matrix[n, k] = a(n, k);
            vector[n] = b(n);
        }
        return new LinearSystem(matrix, vector);
    }
}
