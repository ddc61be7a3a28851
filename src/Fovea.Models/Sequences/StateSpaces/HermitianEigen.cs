using System.Numerics;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Eigenvalues and vectors of a small Hermitian matrix by Jacobi's rotations: each makes one pair of elements 0, and sweeps
/// over all pairs converge quadratically.</summary>
internal static class HermitianEigen
{
    /// <summary>Eigenvalues in ascending order; column i of the matrix belongs to value i.</summary>
    public static (double[] Values, Complex[,] Vectors) Solve(Complex[,] matrix)
    {
        var n = matrix.GetLength(0);
        var h = (Complex[,])matrix.Clone();
        var v = new Complex[n, n];
        for (var i = 0; i < n; i++) v[i, i] = 1;
        for (var sweep = 0; sweep < 50 && OffDiagonal(h) > 1e-15; sweep++)
            for (var p = 0; p < n; p++)
                for (var q = p + 1; q < n; q++) Rotate(h, v, p, q);
        var values = new double[n];
        var order = new int[n];
        for (var i = 0; i < n; i++) (values[i], order[i]) = (h[i, i].Real, i);
        Array.Sort(values, order);
        var vectors = new Complex[n, n];
        for (var i = 0; i < n; i++)
            for (var j = 0; j < n; j++) vectors[i, j] = v[i, order[j]];
        return (values, vectors);
    }

    // J = (c, s u; -s conj(u), c) in rows and columns p and q, u the phase of h[p, q].
    private static void Rotate(Complex[,] h, Complex[,] v, int p, int q)
    {
        var size = h[p, q].Magnitude;
        if (size == 0) return;
        var phase = h[p, q] / size;
        var tau = (h[q, q].Real - h[p, p].Real) / (2 * size);
        var t = (tau < 0 ? -1 : 1) / (Math.Abs(tau) + Math.Sqrt(1 + tau * tau));
        var c = 1 / Math.Sqrt(1 + t * t);
        var s = t * c * phase;
        for (var i = 0; i < h.GetLength(0); i++)
        {
            (h[i, p], h[i, q]) = (c * h[i, p] - Complex.Conjugate(s) * h[i, q], s * h[i, p] + c * h[i, q]);
            (v[i, p], v[i, q]) = (c * v[i, p] - Complex.Conjugate(s) * v[i, q], s * v[i, p] + c * v[i, q]);
        }
        for (var i = 0; i < h.GetLength(0); i++)
            (h[p, i], h[q, i]) = (c * h[p, i] - s * h[q, i], Complex.Conjugate(s) * h[p, i] + c * h[q, i]);
    }

    // Largest element beside the diagonal, relative to the largest on it.
    private static double OffDiagonal(Complex[,] h)
    {
        double off = 0, on = double.Epsilon;
        for (var i = 0; i < h.GetLength(0); i++)
            for (var j = 0; j < h.GetLength(0); j++)
                if (i == j) on = Math.Max(on, h[i, j].Magnitude);
                else off = Math.Max(off, h[i, j].Magnitude);
        return off / on;
    }
}
