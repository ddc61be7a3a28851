using System.Numerics;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>A real system in coordinates where its matrix is diagonal minus a matrix of rank one: A = V (Lambda - P P*) V*, x = V z,
/// V unitary (Gu et al., "Efficiently Modeling Long Sequences with Structured State Spaces", 2022). Everything comes in conjugate
/// pairs, of which one is kept: a real quantity is twice the real part of a sum over the kept half.</summary>
/// <remarks>In double on the host. A step costs O(N): both matrices of the bilinear rule are diagonal but for rank one.</remarks>
public sealed class DiagonalPlusLowRank
{
    private DiagonalPlusLowRank(Complex[] lambda, Complex[] p, Complex[] b) => (Lambda, P, B) = (lambda, p, b);

    /// <summary>The diagonal <c>[N/2]</c>, imaginary parts positive and ascending.</summary>
    public IReadOnlyList<Complex> Lambda { get; }

    /// <summary>The vector of the rank-one part <c>[N/2]</c>.</summary>
    public IReadOnlyList<Complex> P { get; }

    /// <summary>The input vector <c>[N/2]</c>.</summary>
    public IReadOnlyList<Complex> B { get; }

    /// <summary>LegS: A + p p^T = -1/2 I + S with p_n = sqrt(n + 1/2) and S skew, whose eigenvectors are those of the Hermitian -iS.
    /// Real parts of Lambda are -1/2.</summary>
    /// <param name="size">N, even: an odd skew matrix has an eigenvalue 0 without a partner.</param>
    public static DiagonalPlusLowRank LegS(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 2);
        if (size % 2 != 0) throw new ArgumentException($"the number of states must be even, it is {size}", nameof(size));
        var system = Hippo.LegS(size);
        var skew = new Complex[size, size];
        for (var n = 0; n < size; n++)
            for (var k = 0; k < size; k++)
                skew[n, k] = n == k ? 0 : -Complex.ImaginaryOne * (system.A[n, k] + Math.Sqrt((n + 0.5) * (k + 0.5)));
        var (values, vectors) = HermitianEigen.Solve(skew);
        var half = size / 2;
        var (lambda, p, b) = (new Complex[half], new Complex[half], new Complex[half]);
        for (var i = 0; i < half; i++)
        {
            lambda[i] = new Complex(-0.5, values[half + i]);
            for (var n = 0; n < size; n++)
            {
                var v = Complex.Conjugate(vectors[n, half + i]);
                p[i] += v * Math.Sqrt(n + 0.5);
                b[i] += v * system.B[n];
            }
        }
        return new DiagonalPlusLowRank(lambda, p, b);
    }

    /// <summary>A bilinear step of length <paramref name="dt"/> for an input u, in place: (2/dt - A) z = (2/dt + A) z + 2 B u.</summary>
    public void Step(double dt, Span<Complex> z, double u)
    {
        var low = Product(z, conjugated: true);
        for (var n = 0; n < z.Length; n++) z[n] = (2 / dt + Lambda[n]) * z[n] - P[n] * low + 2 * u * B[n];
        // (2/dt - Lambda + P P*)^-1 by Sherman and Morrison.
        for (var n = 0; n < z.Length; n++) z[n] *= Resolvent(dt, n);
        low = Product(z, conjugated: true) * Correction(dt);
        for (var n = 0; n < z.Length; n++) z[n] -= Resolvent(dt, n) * P[n] * low;
    }

    /// <summary>The row vector c times the matrix of a step, in place.</summary>
    public void StepRow(double dt, Span<Complex> c)
    {
        for (var n = 0; n < c.Length; n++) c[n] *= Resolvent(dt, n);
        var low = Product(c, conjugated: false) * Correction(dt);
        for (var n = 0; n < c.Length; n++) c[n] -= low * Complex.Conjugate(P[n]) * Resolvent(dt, n);
        low = Product(c, conjugated: false);
        for (var n = 0; n < c.Length; n++) c[n] = (2 / dt + Lambda[n]) * c[n] - low * Complex.Conjugate(P[n]);
    }

    /// <summary>1 / (2/dt - Lambda).</summary>
    public Complex Resolvent(double dt, int n) => 1 / (2 / dt - Lambda[n]);

    /// <summary>1 / (1 + P* (2/dt - Lambda)^-1 P), a real number.</summary>
    public double Correction(double dt)
    {
        double sum = 1;
        for (var n = 0; n < P.Count; n++) sum += 2 * (Complex.Conjugate(P[n]) * P[n] * Resolvent(dt, n)).Real;
        return 1 / sum;
    }

    /// <summary>Twice the real part of c times z: what an output matrix c <c>[N/2]</c> reads.</summary>
    public static double Read(ReadOnlySpan<Complex> c, ReadOnlySpan<Complex> z)
    {
        double sum = 0;
        for (var n = 0; n < c.Length; n++) sum += 2 * (c[n] * z[n]).Real;
        return sum;
    }

    /// <summary>The impulse response c A'^l B', l below <paramref name="length"/>, step by step.</summary>
    public double[] Kernel(double dt, ReadOnlySpan<Complex> c, int length)
    {
        var kernel = new double[length];
        var z = new Complex[Lambda.Count];
        for (var l = 0; l < length; l++)
        {
            Step(dt, z, l == 0 ? 1 : 0);
            kernel[l] = Read(c, z);
        }
        return kernel;
    }

    /// <summary>The same by the paper's way: the truncated generating function at the roots of unity, whose products are sums
    /// v / (g - Lambda), a Cauchy matrix; and back by a Fourier sum.</summary>
    public double[] CauchyKernel(double dt, ReadOnlySpan<Complex> c, int length)
    {
        // c (I - A'^length): what the generating function of the infinite response needs to end after `length` steps.
        var truncated = c.ToArray();
        for (var l = 0; l < length; l++) StepRow(dt, truncated);
        for (var n = 0; n < truncated.Length; n++) truncated[n] = c[n] - truncated[n];
        var spectrum = new Complex[length];
        for (var j = 0; j < length; j++) spectrum[j] = Generating(dt, truncated, Complex.FromPolarCoordinates(1, -2 * Math.PI * j / length), 2 * j == length);
        var kernel = new double[length];
        for (var l = 0; l < length; l++)
            for (var j = 0; j < length; j++)
                kernel[l] += (spectrum[j] * Complex.FromPolarCoordinates(1, 2 * Math.PI * ((long)j * l % length) / length)).Real / length;
        return kernel;
    }

    // At z = -1 the formula is infinity times 0; its limit is the first term's.
    private Complex Generating(double dt, Complex[] c, Complex z, bool isMinusOne)
    {
        if (isMinusOne) return dt / 2 * Read(c, [.. B]);
        var g = 2 / dt * (1 - z) / (1 + z);
        Complex cb = 0, cp = 0, pb = 0, pp = 0;
        for (var n = 0; n < c.Length; n++)
        {
            cb += Pair(c[n] * B[n], g, Lambda[n]);
            cp += Pair(c[n] * P[n], g, Lambda[n]);
            pb += Pair(Complex.Conjugate(P[n]) * B[n], g, Lambda[n]);
            pp += Pair(Complex.Conjugate(P[n]) * P[n], g, Lambda[n]);
        }
        return 2 / (1 + z) * (cb - cp / (1 + pp) * pb);
    }

    private static Complex Pair(Complex v, Complex g, Complex lambda) =>
        v / (g - lambda) + Complex.Conjugate(v) / (g - Complex.Conjugate(lambda));

    // P* z, or z P of a row vector z.
    private double Product(ReadOnlySpan<Complex> z, bool conjugated)
    {
        double sum = 0;
        for (var n = 0; n < z.Length; n++) sum += 2 * (z[n] * (conjugated ? Complex.Conjugate(P[n]) : P[n])).Real;
        return sum;
    }
}
