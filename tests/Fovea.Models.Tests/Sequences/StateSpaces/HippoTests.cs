using System.IO.Compression;
using System.Text.Json;
using Fovea.Models.Sequences.StateSpaces;

namespace Fovea.Models.Tests.Sequences.StateSpaces;

/// <summary>Polynomial memories: matrices, steps, and how well they remember.</summary>
public sealed class HippoTests
{
    [Fact]
    public void LegSOfFourStates()
    {
        var system = Hippo.LegS(4);
        double[] rows = [-1, 0, 0, 0, -1.732051, -2, 0, 0, -2.236068, -3.872983, -3, 0, -2.645751, -4.582576, -5.91608, -4];
        for (var i = 0; i < rows.Length; i++) Assert.Equal(rows[i], system.A[i / 4, i % 4], 5e-7);
        double[] input = [1, 1.732051, 2.236068, 2.645751];
        for (var n = 0; n < 4; n++) Assert.Equal(input[n], system.B[n], 5e-7);
    }

    // sin(4 pi t) + cos(6 pi t) / 2 in 1000 samples. For 8 and 4 states the error is that of the best polynomial (.27499, .6924), for 16
    // (best .00047) that of the rule.
    [Theory]
    [InlineData(4, Discretization.Bilinear, 0.6931, 1e-4)]
    [InlineData(8, Discretization.Bilinear, 0.27473, 1e-5)]
    [InlineData(16, Discretization.Forward, 0.01723, 1e-5)]
    [InlineData(16, Discretization.Backward, 0.01654, 1e-5)]
    [InlineData(16, Discretization.Bilinear, 0.00551, 1e-5)]
    [InlineData(16, Discretization.Exact, 0.00557, 1e-5)]
    public void LegSRemembersAllOfThePast(int size, Discretization rule, double error, double tolerance)
    {
        const int Length = 1000;
        static double Signal(double t) => Math.Sin(4 * Math.PI * t) + 0.5 * Math.Cos(6 * Math.PI * t);
        var c = new double[size];
        for (var k = 1; k <= Length; k++) c = Hippo.LegSStep(size, k, rule).Step(c, Signal((double)k / Length));
        double sum = 0;
        for (var k = 1; k <= Length; k++) sum += Math.Pow(Hippo.Reconstruct(c, (double)k / Length) - Signal((double)k / Length), 2);
        Assert.Equal(error, Math.Sqrt(sum / Length), tolerance);
    }

    [Fact]
    public void ExactRuleKeepsAConstant()
    {
        var c = new double[12];
        for (var k = 1; k <= 50; k++) c = Hippo.LegSStep(12, k, Discretization.Exact).Step(c, 1);
        Assert.Equal(1, c[0], 1e-12);
        for (var n = 1; n < c.Length; n++) Assert.Equal(0, c[n], 1e-12);
    }

    // sin(2 pi t) + cos(3 pi t) / 2 over a window of 2 in steps of 1/1000. The hold takes a step's middle, or it would lag by half a step.
    [Theory]
    [InlineData(16, 7.5e-4)]
    [InlineData(32, 3e-5)]
    public void LegTRemembersAWindow(int size, double error)
    {
        const double Window = 2, Step = 1e-3;
        static double Signal(double t) => Math.Sin(2 * Math.PI * t) + 0.5 * Math.Cos(3 * Math.PI * t);
        var step = Hippo.LegT(size).Discretize(Step / Window, Discretization.Exact);
        var c = new double[size];
        for (var k = 0; k < 6000; k++) c = step.Step(c, Signal((k + 0.5) * Step));
        double sum = 0;
        for (var k = 0; k <= 2000; k++) sum += Math.Pow(Hippo.Reconstruct(c, k / 2000.0) - Signal(4 + k * Step), 2);
        Assert.InRange(Math.Sqrt(sum / 2001), error / 4, error);
        // The oldest point is a delay line: u(t - 2).
        Assert.Equal(Signal(4), Hippo.Reconstruct(c, 0), 4e-5);
    }

    [Fact]
    public void PublishedMatricesAndKernel()
    {
        using var archive = ZipFile.OpenRead(SharedData.File("conformance", "public_vectors.zip"));
        using var entry = archive.GetEntry("hippo.json")!.Open();
        using var document = JsonDocument.Parse(entry);
        var checks = 0;
        foreach (var published in document.RootElement.EnumerateArray())
        {
            var name = published.GetProperty("name").GetString()!;
            var isLegS = name.StartsWith("legs_", StringComparison.Ordinal);
            if (published.TryGetProperty("A", out var matrix))
            {
                var size = published.GetProperty("N").GetInt32();
                var system = isLegS ? Hippo.LegS(size) : name.StartsWith("legt_lmu", StringComparison.Ordinal) ? Hippo.Lmu(size) : Hippo.LagT(size);
                AssertSystem(matrix, published.GetProperty("B"), system, name);
                checks++;
            }
            else if (published.TryGetProperty("A_bar", out var step))
            {
                var rule = published.GetProperty("method").GetString() == "zoh" ? Discretization.Exact : Discretization.Bilinear;
                var system = Hippo.LegS(4).Discretize(published.GetProperty("dt").GetDouble(), rule);
                AssertSystem(step, published.GetProperty("B_bar"), system, name);
                checks++;
            }
            else if (published.TryGetProperty("K", out var kernel))
            {
                var system = Hippo.LegS(4).Discretize(published.GetProperty("dt").GetDouble(), Discretization.Bilinear);
                double[] c = [.. published.GetProperty("C").EnumerateArray().Select(v => v.GetDouble())], x = new double[4];
                var l = 0;
                foreach (var expected in kernel.EnumerateArray())
                {
                    x = system.Step(x, l++ == 0 ? 1 : 0);
                    Assert.Equal(expected.GetDouble(), c.Zip(x, (a, b) => a * b).Sum(), 1e-12);
                }
                checks++;
            }
        }
        Assert.True(checks >= 9, $"{checks} cases were recognised");
    }

    private static void AssertSystem(JsonElement a, JsonElement b, LinearSystem system, string name)
    {
        for (var n = 0; n < system.Size; n++)
        {
            for (var k = 0; k < system.Size; k++)
                Assert.True(Math.Abs(a[n][k].GetDouble() - system.A[n, k]) < 1e-12, $"{name}: A[{n},{k}] is {system.A[n, k]}");
            Assert.True(Math.Abs(b[n].GetDouble() - system.B[n]) < 1e-12, $"{name}: B[{n}] is {system.B[n]}");
        }
    }
}
