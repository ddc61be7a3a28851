using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Transformers;
using Fovea.Models.Tests.Sequences.Transformers;

namespace Fovea.Models.Tests.Sequences.Sampling;

public sealed class BeamSearchTests
{
    private const int End = 0, Start = 1;

    /// <summary>Beams for every beginning there is (at most 27, with 4 continuations each) find what trying all texts finds, in the same
    /// order.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0.6)]
    [InlineData(1.5)]
    public void EnoughBeamsFindTheBest(double penalty)
    {
        var options = new BeamSearchOptions { Beams = 128, StartToken = Start, EndToken = End, MaxLength = 4, LengthPenalty = penalty };
        for (var seed = 0; seed < 5; seed++)
        {
            var model = new Prefixes(4, prefix => Random(seed, prefix, 4));
            var expected = All(model, [Start], 0, options).OrderByDescending(h => h.Score).ToArray();
            var found = BeamSearch.Run(model, options).Where(h => h.IsFinished).ToArray();
            Assert.Equal(1 + 3 + 9 + 27, found.Length);
            for (var i = 0; i < found.Length; i++)
            {
                Assert.Equal(expected[i].Score, found[i].Score, 1e-9);
                Assert.Equal(expected[i].Tokens, found[i].Tokens);
            }
        }
    }

    [Fact]
    public void OneBeamIsGreedy()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var model = new Prefixes(5, prefix => Random(seed, prefix, 5));
            var found = Assert.Single(BeamSearch.Run(model, new BeamSearchOptions { Beams = 1, StartToken = Start, EndToken = End, MaxLength = 8, LengthPenalty = 0 }));
            List<int> greedy = [];
            var ends = false;
            while (greedy.Count < 8 && !ends)
            {
                var logits = Random(seed, [Start, .. greedy], 5);
                var token = Array.IndexOf(logits, logits.Max());
                if (token == End) ends = true;
                else greedy.Add(token);
            }
            Assert.Equal(greedy, found.Tokens);
            Assert.Equal(ends, found.IsFinished);
        }
    }

    [Fact]
    public void EqualCandidatesComeInOrder()
    {
        var model = new Prefixes(6, _ => [float.NegativeInfinity, float.NegativeInfinity, 1, 1, 1, float.NegativeInfinity]);
        var found = BeamSearch.Run(model, new BeamSearchOptions { Beams = 4, StartToken = Start, EndToken = End, MaxLength = 2 });
        Assert.Equal([[2, 2], [2, 3], [2, 4], [3, 2]], found.Select(h => h.Tokens.ToArray()));
        Assert.All(found, h => Assert.Equal(-Math.Log(9), h.LogProbability, 1e-12));
        Assert.All(found, h => Assert.False(h.IsFinished));
    }

    // "2 2 end" has log p = 3 log .5 in 3 tokens, "end" log .45 in 1: 2.08 / (8/6)^a falls below .80 for a > 3.3.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(3.2, 0)]
    [InlineData(3.5, 2)]
    public void ThePenaltyFavoursLongTexts(double penalty, int length)
    {
        var model = new Prefixes(3, prefix => prefix.Length switch
        {
            1 => Logs(0.45, 0.05, 0.5),
            2 => Logs(0, 0.5, 0.5),
            _ => Logs(0.5, 0.5, 0),
        });
        var found = BeamSearch.Run(model, new BeamSearchOptions { Beams = 3, StartToken = Start, EndToken = End, MaxLength = 3, LengthPenalty = penalty });
        Assert.Equal(length, found[0].Tokens.Count);

        static float[] Logs(params double[] p) => [.. p.Select(v => (float)Math.Log(v))];
    }

    /// <summary>The caches of a session, moved from beam to beam, give what reading each text from its beginning gives.</summary>
    [Fact]
    public void SessionsKeepBeamsApart()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options("llama")));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 3, capacity: 8);
        var options = new BeamSearchOptions { Beams = 3, StartToken = Start, EndToken = End, MaxLength = 7 };
        var whole = new Prefixes(29, prefix => TestModels.Logits(stream, model, prefix)[^29..]);
        var expected = BeamSearch.Run(whole, options);
        var found = BeamSearch.Run(new TransformerBeams(session), options);
        Assert.Equal(expected.Select(h => h.Tokens.ToArray()), found.Select(h => h.Tokens.ToArray()));
        for (var i = 0; i < found.Count; i++) Assert.Equal(expected[i].LogProbability, found[i].LogProbability, 1e-4);
    }

    [Fact]
    public void Arguments()
    {
        var options = new BeamSearchOptions { StartToken = Start, EndToken = End, MaxLength = 3 };
        var model = new Prefixes(3, _ => [0, 0, float.NaN]);
        Assert.Contains("NaN", Assert.Throws<InvalidOperationException>(() => BeamSearch.Run(model, options)).Message, StringComparison.Ordinal);
        var mute = new Prefixes(3, _ => [float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity]);
        Assert.Throws<InvalidOperationException>(() => BeamSearch.Run(mute, options));
        foreach (var bad in (BeamSearchOptions[])[options with { Beams = 0 }, options with { MaxLength = 0 }, options with { LengthPenalty = -1 },
            options with { StartToken = 3 }, options with { EndToken = -1 }])
            Assert.Throws<ArgumentOutOfRangeException>(() => BeamSearch.Run(model, bad));
    }

    private static float[] Random(int seed, int[] prefix, int vocabulary)
    {
        var hash = prefix.Aggregate(seed + 17, (h, t) => unchecked(h * 31 + t + 1));
        var random = new Random(hash);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => random.NextSingle() * 4)];
    }

    private static IEnumerable<BeamHypothesis> All(Prefixes model, int[] prefix, double logProbability, BeamSearchOptions options)
    {
        if (prefix.Length > options.MaxLength) yield break;
        var logits = model.Next(prefix);
        var sum = Math.Log(logits.Sum(v => Math.Exp(v)));
        for (var token = 0; token < logits.Length; token++)
        {
            var p = logProbability + logits[token] - sum;
            if (token == End) yield return new BeamHypothesis(prefix[1..], p, p / Math.Pow((5.0 + prefix.Length) / 6, options.LengthPenalty), IsFinished: true);
            else
                foreach (var longer in All(model, [.. prefix, token], p, options)) yield return longer;
        }
    }

    /// <summary>A model that is a function of the whole text so far.</summary>
    private sealed class Prefixes(int vocabulary, Func<int[], float[]> next) : IBeamScorer
    {
        private int[][] _texts = [[]];

        public int Vocabulary => vocabulary;

        public float[] Next(int[] prefix) => next(prefix);

        public void Score(ReadOnlySpan<int> parents, ReadOnlySpan<int> tokens, Span<float> logits)
        {
            var before = _texts;
            _texts = new int[tokens.Length][];
            for (var i = 0; i < tokens.Length; i++)
            {
                _texts[i] = [.. before[parents[i]], tokens[i]];
                next(_texts[i]).CopyTo(logits[(i * vocabulary)..]);
            }
        }
    }
}
