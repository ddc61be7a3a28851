using System.Globalization;
using Xunit;

namespace Fovea.Data.Tests.Examples;

/// <summary>Arbitrary and damaged bytes: nothing but the documented exceptions, whatever they are. FOVEA_FUZZ_BYTES asks for
/// more than the few megabytes of every test run.</summary>
public class FuzzTests
{
    private static readonly long Budget =
        long.TryParse(Environment.GetEnvironmentVariable("FOVEA_FUZZ_BYTES"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 2_000_000;

    private static readonly ExampleParser Parser = new(
        [
            new FixedLenFeature("i", FeatureKind.Int64, 2) { Default = FeatureValues.Of(1L, 2L) },
            new FixedLenFeature("b", FeatureKind.Bytes) { Default = FeatureValues.Of("x") },
            new FixedLenSequenceFeature("q", FeatureKind.Float, 2),
            new VarLenFeature("v", FeatureKind.Int64),
            new RaggedFeature("r", FeatureKind.Float) { ValueKey = "f", RowLengthsKey = "n" },
            new SparseFeature("s", ["x", "y"], "w", FeatureKind.Bytes, [4, 1L << 40]),
        ],
        [new VarLenFeature("t", FeatureKind.Int64), new FixedLenSequenceFeature("u", FeatureKind.Float, 2)]);

    [Fact]
    public void ParsersSurviveArbitraryBytes()
    {
        var random = new Random(11);
        var noise = new byte[300];
        for (long done = 0; done < Budget; done += noise.Length)
        {
            random.NextBytes(noise);
            ReadAll(noise.AsSpan(0, random.Next(noise.Length)));
        }
    }

    // Damaged records get much further than noise does.
    [Fact]
    public void ParsersSurviveDamagedExamples()
    {
        var random = new Random(12);
        var seeds = new[] { Example(), Sequence() };
        using var batch = Parser.CreateBatch();
        for (long done = 0; done < Budget;)
        {
            var bytes = (byte[])seeds[random.Next(2)].Clone();
            for (var damage = random.Next(1, 4); damage > 0; damage--)
            {
                var at = random.Next(bytes.Length);
                switch (random.Next(5))
                {
                    case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                    case 1: bytes[at] = (byte)random.Next(256); break;
                    case 2: bytes = bytes[..at]; break;
                    case 3: bytes = [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]]; break;
                    default: bytes = [.. bytes[..at], 0xff, .. bytes[at..]]; break;
                }
                if (bytes.Length == 0) break;
            }
            done += bytes.Length;
            ReadAll(bytes);
            if (batch.Count == 50) batch.Clear();
            var before = batch.Count;
            try
            {
                batch.Add(bytes);
                Assert.Equal(before + 1, batch.Count);
            }
            catch (ExampleException)
            {
                Assert.Equal(before, batch.Count);
            }
            Touch(batch);
        }
    }

    // Whatever was read is written and read again.
    [Fact]
    public void RandomExamplesComeBack()
    {
        var random = new Random(13);
        var writer = new ExampleWriter();
        for (long done = 0; done < Budget / 4;)
        {
            writer.Clear();
            var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
            for (var f = random.Next(6); f > 0; f--)
            {
                var name = $"f{random.Next(100)}";
                if (expected.ContainsKey(name)) continue;
                switch (random.Next(3))
                {
                    case 0:
                        var integers = Enumerable.Range(0, random.Next(20)).Select(_ => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64)).ToArray();
                        writer.Add(name, integers);
                        expected[name] = $"[{string.Join(',', integers)}]";
                        break;
                    case 1:
                        var floats = Enumerable.Range(0, random.Next(20)).Select(_ => random.NextSingle()).ToArray();
                        writer.Add(name, floats);
                        expected[name] = $"[{string.Join(',', floats.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]";
                        break;
                    default:
                        var texts = Enumerable.Range(0, random.Next(5)).Select(_ => new string('x', random.Next(200))).ToArray();
                        writer.Add(name, texts);
                        expected[name] = $"[{string.Join(',', texts)}]";
                        break;
                }
            }
            var bytes = writer.ToArray();
            done += bytes.Length + 1;
            Assert.Equal(string.Join(' ', expected.Select(f => $"{f.Key}={f.Value}")), ExampleReaderTests.Text(bytes));
        }
    }

    [Fact]
    public void RecordReadersSurviveArbitraryBytes()
    {
        var random = new Random(14);
        var file = Records.TfRecords.Write(Records.TfRecords.Sample(8));
        var skip = new TfRecordReaderOptions { SkipDamaged = true };
        for (long done = 0; done < Budget; done += file.Length)
        {
            var bytes = (byte[])file.Clone();
            for (var damage = random.Next(1, 6); damage > 0; damage--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            bytes = bytes[..random.Next(bytes.Length + 1)];
            try
            {
                foreach (var record in new TfRecordSpanReader(bytes)) _ = record.Length;
            }
            catch (TfRecordException)
            {
            }
            var reader = new TfRecordSpanReader(bytes, skip);
            long sound = 0;
            while (reader.MoveNext()) sound += 16 + reader.Current.Length;
            // Every byte is of a sound record or was skipped.
            Assert.Equal(bytes.Length, sound + reader.SkippedBytes);
        }
    }

    private static void ReadAll(ReadOnlySpan<byte> bytes)
    {
        try
        {
            foreach (var feature in new ExampleReader(bytes)) Read(feature);
            foreach (var list in new SequenceExampleReader(bytes))
                foreach (var feature in list) Read(feature);
        }
        catch (ExampleException)
        {
        }
    }

    private static void Read(FeatureView feature)
    {
        var count = feature.Count;
        Assert.InRange(count, 0, feature.Message.Length);
        if (feature.Kind == FeatureKind.Int64) Assert.Equal(count, feature.CopyTo(new long[count]));
        if (feature.Kind == FeatureKind.Float) Assert.Equal(count, feature.CopyTo(new float[count]));
        if (feature.Kind != FeatureKind.Bytes) return;
        foreach (var _ in feature.EnumerateBytes()) count--;
        Assert.Equal(0, count);
    }

    private static void Touch(ExampleBatch batch)
    {
        Assert.Equal(2 * batch.Count, batch["i"].Int64s.Length);
        Assert.Equal(batch["v"].Int64s.Length, batch["v"].RowSplits[^1]);
        Assert.Equal(2 * batch["v"].Count, batch["v"].Indices.Length);
        Assert.Equal(batch["q"].DenseShape[0] * batch["q"].DenseShape[1] * 2, batch["q"].PaddedFloats.Length);
        Assert.Equal(batch["r"].Count, batch["r"].InnerSplits[^1]);
        Assert.Equal(3 * batch["s"].Count, batch["s"].Indices.Length);
        Assert.Equal(batch.List("t").Count, batch.List("t").InnerSplits[^1]);
        Assert.Equal(2 * batch.List("u").RowSplits[^1], batch.List("u").Count);
    }

    private static byte[] Example() => new ExampleWriter()
        .Add("i", 1L, -1L).Add("b", "text").Add("q", 1f, 2f, 3f, 4f).Add("v", 1L, 300L, long.MaxValue)
        .Add("f", 1f, 2f, 3f).Add("n", 2L, 0L, 1L).Add("x", 3L, 0L).Add("y", 1L, 2L).Add("w", "p", "q").ToArray();

    private static byte[] Sequence()
    {
        var writer = new SequenceExampleWriter();
        writer.Context.Add("i", 5L, 6L);
        writer.BeginList("t").AddStep(1L).AddStep(ReadOnlySpan<long>.Empty).AddStep(2L, 300L);
        writer.BeginList("u").AddStep(1f, 2f).AddStep(3f, 4f);
        return writer.ToArray();
    }
}
