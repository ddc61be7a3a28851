using Fovea.Models.Sequences;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Models.Tests.Sequences;

public sealed class TokenSamplerTests
{
    private static readonly float[] Logits = [MathF.Log(0.1f), MathF.Log(0.4f), MathF.Log(0.2f), MathF.Log(0.3f)];

    [Theory]
    [InlineData(1f, 0, 1f, new[] { 0.1, 0.4, 0.2, 0.3 })]
    [InlineData(0.5f, 0, 1f, new[] { 1 / 30.0, 16 / 30.0, 4 / 30.0, 9 / 30.0 })] // squares, normalised
    [InlineData(1f, 2, 1f, new[] { 0, 4 / 7.0, 0, 3 / 7.0 })]
    [InlineData(1f, 0, 0.65f, new[] { 0, 4 / 7.0, 0, 3 / 7.0 })]
    [InlineData(1f, 0, 0.75f, new[] { 0, 4 / 9.0, 2 / 9.0, 3 / 9.0 })]
    [InlineData(1f, 0, 1e-6f, new[] { 0, 1.0, 0, 0 })]
    [InlineData(1f, 3, 0.5f, new[] { 0, 4 / 7.0, 0, 3 / 7.0 })] // 4/9 of what top-k leaves is below one half
    [InlineData(0f, 0, 1f, new[] { 0, 1.0, 0, 0 })]
    public void DrawsTheDistribution(float temperature, int topK, float topP, double[] expected)
    {
        const int Draws = 20_000;
        var sampler = new TokenSampler(4, new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, Seed = 7 });
        var counts = new int[4];
        for (var i = 0; i < Draws; i++) counts[sampler.Next(Logits)]++;
        // Five standard deviations of a binomial, at most 0.5/sqrt(n).
        for (var i = 0; i < 4; i++)
        {
            if (expected[i] is 0 or 1) Assert.Equal(expected[i] * Draws, counts[i]);
            else Assert.Equal(expected[i], counts[i] / (double)Draws, 5 * 0.5 / Math.Sqrt(Draws));
        }
    }

    [Fact]
    public void TopKAgreesWithSorting()
    {
        const int Vocabulary = 251;
        var random = new Random(5);
        var logits = new float[Vocabulary];
        for (var i = 0; i < Vocabulary; i++) logits[i] = random.Next(-20, 20); // many ties
        foreach (var k in new[] { 1, 2, 17, 250 })
        {
            var allowed = Enumerable.Range(0, Vocabulary).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(k).ToHashSet();
            // Nearly even chances, so that every allowed token comes up.
            var sampler = new TokenSampler(Vocabulary, new SamplingOptions { Temperature = 1e6f, TopK = k });
            var drawn = new HashSet<int>();
            for (var i = 0; i < 40 * k; i++) drawn.Add(sampler.Next(logits));
            Assert.Equal(allowed, drawn);
        }
    }

    [Fact]
    public void ADrawIsAFunctionOfItsNumber()
    {
        var options = new SamplingOptions { Seed = 123 };
        var first = new TokenSampler(4, options);
        var tokens = Enumerable.Range(0, 100).Select(_ => first.Next(Logits)).ToArray();
        var second = new TokenSampler(4, options) { Draws = 60 };
        Assert.Equal(tokens[60..], Enumerable.Range(0, 40).Select(_ => second.Next(Logits)));
        var other = new TokenSampler(4, options with { Seed = 124 });
        Assert.NotEqual(tokens, Enumerable.Range(0, 100).Select(_ => other.Next(Logits)));
    }

    [Fact]
    public void RepetitionIsPenalisedOnce()
    {
        var sampler = new TokenSampler(3, new SamplingOptions { Temperature = 0, RepetitionPenalty = 2 });
        Assert.Equal(0, sampler.Next([3f, 2, -1]));
        Assert.Equal(1, sampler.Next([3f, 2, -1], [0]));
        Assert.Equal(0, sampler.Next([5f, 2, -1], [0, 0, 0, 99, -1])); // 2.5, not 0.6
        Assert.Equal(2, sampler.Next([-1f, -1, -1.5f], [0, 1])); // negative logits move down too
        Assert.Equal(0, sampler.Next([3f, 2, -1])); // nothing is remembered
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void HostileLogitsAreDefined(float temperature)
    {
        const float Inf = float.PositiveInfinity;
        var sampler = new TokenSampler(4, new SamplingOptions { Temperature = temperature, TopK = 3, TopP = 0.9f });
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(2, sampler.Next([float.NaN, -Inf, -1e30f, float.NaN]));
            Assert.Equal(3, sampler.Next([1e38f, 1e38f, float.NaN, Inf]));
            Assert.Equal(1, sampler.Next([float.MinValue, float.MaxValue, 0, float.NaN]));
        }
        Assert.Throws<ArgumentException>(() => sampler.Next([float.NaN, -Inf, float.NaN, -Inf]));
        Assert.Throws<ArgumentException>(() => sampler.Next([1f, 2, 3]));
    }

    [Fact]
    public void InfinitiesShareTheProbability()
    {
        var sampler = new TokenSampler(3, new SamplingOptions());
        var counts = new int[3];
        for (var i = 0; i < 1000; i++) counts[sampler.Next([float.PositiveInfinity, 5, float.PositiveInfinity])]++;
        Assert.Equal(0, counts[1]);
        Assert.InRange(counts[0], 400, 600);
    }

    [Fact]
    public void OptionsAreChecked()
    {
        foreach (var options in new SamplingOptions[]
        {
            new() { Temperature = -1 }, new() { Temperature = float.NaN }, new() { TopK = -1 }, new() { TopP = 0 }, new() { TopP = 1.5f },
            new() { RepetitionPenalty = 0 },
        })
            Assert.Throws<ArgumentException>(() => new TokenSampler(4, options));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(0, new SamplingOptions()));
    }

    [Fact]
    public void SamplingAllocatesNothing()
    {
        var options = new SamplingOptions { TopK = 3, TopP = 0.8f, RepetitionPenalty = 1.1f };
        var sampler = new TokenSampler(4, options);
        int[] previous = [1, 2];
        for (var i = 0; i < 100; i++) sampler.Next(Logits, previous);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var i = 0; i < 1000; i++) sampler.Next(Logits, previous);
        }));
    }
}
