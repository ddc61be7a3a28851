using System.Numerics;
using Fovea.Models.Sequences.StateSpaces;

namespace Fovea.Models.Tests.Sequences.StateSpaces;

/// <summary>Initial values, discretizations and kernels of S4, S4D and LRU, in double.</summary>
public sealed class StateSpaceNumberTests
{
    [Fact]
    public void LegSIsSkewBesidesRankOne()
    {
        Assert.Equal([0.556501, 4.603293], DiagonalPlusLowRank.LegS(4).Lambda.Select(z => Math.Round(z.Imaginary, 6)));
        Assert.Equal(19.85741, DiagonalPlusLowRank.LegS(8).Lambda[^1].Imaginary, 5e-6);
        var large = DiagonalPlusLowRank.LegS(64).Lambda;
        Assert.Equal(0.263857, large[0].Imaginary, 5e-7);
        Assert.Equal(258.15, large[^3].Imaginary, 5e-3);
        Assert.Equal(433.03, large[^2].Imaginary, 5e-3);
        Assert.Equal(1303.27384, large[^1].Imaginary, 5e-6);
        Assert.All(large, z => Assert.Equal(-0.5, z.Real));
        Assert.Throws<ArgumentException>(() => DiagonalPlusLowRank.LegS(7));
    }

    [Fact]
    public void FirstDiagonals()
    {
        Assert.Equal(97.389372, S4DOptions.Diagonal(S4DInit.Lin, 64).Max(z => z.Imaginary), 5e-7);
        var inverse = S4DOptions.Diagonal(S4DInit.Inv, 64);
        Assert.Equal([1283.425461, 414.227265, 240.387626], inverse[..3].Select(z => Math.Round(z.Imaginary, 6)));
        Assert.Equal(0.323362, inverse[^1].Imaginary, 5e-7);
        Assert.Equal(-32, S4DOptions.Diagonal(S4DInit.Real, 64)[^1]);
    }

    [Fact]
    public void DiscretizedPair()
    {
        Complex a = new(-0.5, Math.PI), c = new(1, 0.5);
        var (exact, exactInput) = S4DLayer.Discretize(a, 0.1, Discretization.Exact);
        var (bilinear, bilinearInput) = S4DLayer.Discretize(a, 0.1, Discretization.Bilinear);
        AssertClose(new Complex(0.9046729, 0.2939461), exact);
        AssertClose(new Complex(0.0959645, 0.0150703), exactInput);
        AssertClose(new Complex(0.9064465, 0.2921599), bilinear);
        double[] exactKernel = [0.1768586, 0.1229311, 0.0623966], bilinearKernel = [0.1760367, 0.1231827, 0.0636513];
        for (var k = 0; k < 3; k++)
        {
            Assert.Equal(exactKernel[k], 2 * (c * exactInput * Complex.Pow(exact, k)).Real, 1e-7);
            Assert.Equal(bilinearKernel[k], 2 * (c * bilinearInput * Complex.Pow(bilinear, k)).Real, 1e-7);
        }
    }

    // With C = B^T in the first coordinates, C is the conjugate of B in the others: the diagonal form is the dense system.
    [Fact]
    public void DiagonalFormIsTheDenseSystem()
    {
        const int Size = 8, Length = 64;
        var system = DiagonalPlusLowRank.LegS(Size);
        var kernel = system.Kernel(0.05, [.. system.B.Select(Complex.Conjugate)], Length);
        var dense = Hippo.LegS(Size);
        var step = dense.Discretize(0.05, Discretization.Bilinear);
        var x = new double[Size];
        for (var l = 0; l < Length; l++)
        {
            x = step.Step(x, l == 0 ? 1 : 0);
            Assert.Equal(dense.B.Zip(x, (p, q) => p * q).Sum(), kernel[l], 1e-12);
        }
    }

    // Even lengths have the root -1, where the formula is infinity times 0.
    [Theory]
    [InlineData(64)]
    [InlineData(33)]
    public void CauchyKernelIsTheDirectOne(int length)
    {
        var system = DiagonalPlusLowRank.LegS(8);
        var random = new Random(3);
        Complex[] c = [.. Enumerable.Range(0, 4).Select(_ => new Complex(random.NextDouble() - 0.5, random.NextDouble() - 0.5))];
        var (direct, cauchy) = (system.Kernel(0.05, c, length), system.CauchyKernel(0.05, c, length));
        for (var l = 0; l < length; l++) Assert.Equal(direct[l], cauchy[l], 1e-12);

        // Convolution = recurrence.
        double[] u = [.. Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5)];
        var z = new Complex[4];
        for (var t = 0; t < length; t++)
        {
            system.Step(0.05, z, u[t]);
            double sum = 0;
            for (var k = 0; k <= t; k++) sum += direct[k] * u[t - k];
            Assert.Equal(sum, DiagonalPlusLowRank.Read(c, z), 1e-12);
        }
    }

    [Fact]
    public void LruEigenvaluesAreUniformOnTheRing()
    {
        var options = new LruOptions(1, 1) { SmallestRadius = 0.4, LargestRadius = 0.9 };
        double[] draws = [0, 0.25, 0.5, 0.75, 0.999];
        double[] sizes = [0.4, 0.567891, 0.696419, 0.804674, 0.899639], gammas = [0.916515, 0.823104, 0.717635, 0.593717, 0.436635];
        for (var i = 0; i < draws.Length; i++)
        {
            var (nu, theta, gamma) = options.Eigenvalue(draws[i], 0.5);
            Assert.Equal(sizes[i], Math.Exp(-Math.Exp(nu)), 5e-7);
            Assert.Equal(gammas[i], Math.Exp(gamma), 5e-7);
            Assert.Equal(3.14, Math.Exp(theta), 1e-12);
        }
    }

    // 200,000 steps of white noise: some thousand independent values of |h|^2, so 1 within a few percent.
    [Fact]
    public void LruKeepsTheVarianceOfWhiteNoise()
    {
        var (nu, theta, gamma) = new LruOptions(1, 1) { SmallestRadius = 0.9, LargestRadius = 0.99 }.Eigenvalue(0.5, 0.3);
        var lambda = Complex.Exp(new Complex(-Math.Exp(nu), Math.Exp(theta)));
        var random = new Random(5);
        Complex h = 0;
        double sum = 0;
        for (var t = 0; t < 200_000; t++)
        {
            h = lambda * h + Math.Exp(gamma) * Math.Sqrt(3) * (2 * random.NextDouble() - 1);
            sum += h.Magnitude * h.Magnitude;
        }
        Assert.Equal(1, sum / 200_000, 0.05);
    }

    private static void AssertClose(Complex expected, Complex actual) => Assert.True((expected - actual).Magnitude < 1.5e-7, $"{actual}, expected {expected}");
}
