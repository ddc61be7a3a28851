using System.Globalization;
using Fovea.Bench.Measure;
using Fovea.Data;

namespace Fovea.Bench.Workloads;

/// <summary>Parses Examples into dense and ragged columns.</summary>
public sealed class ExampleWorkload : Workload
{
    private const int Records = 200;

    private ExampleWorkload(string name, FeatureSpec[] features, Action<ExampleWriter, Random> fill) : base("records", name)
    {
        Features = features;
        var random = new Random(7);
        var writer = new ExampleWriter();
        Examples = new byte[Records][];
        for (int i = 0; i < Records; i++)
        {
            writer.Clear();
            fill(writer, random);
            Examples[i] = writer.ToArray();
        }
    }

    public IReadOnlyList<FeatureSpec> Features { get; }

    public byte[][] Examples { get; }

    public override double Flops => 0;

    public override double BytesRead => Examples.Sum(e => (double)e.Length);

    public override double BytesWritten => 0;

    /// <summary>A click log, as Criteo's: a label, 13 numbers and 26 short strings.</summary>
    public static ExampleWorkload Clicks()
    {
        string[] numbers = [.. Enumerable.Range(1, 13).Select(i => $"I{i}")], words = [.. Enumerable.Range(1, 26).Select(i => $"C{i}")];
        return new ExampleWorkload("parse clicks, 40 features",
            [
                new FixedLenFeature("label", FeatureKind.Int64),
                .. numbers.Select(name => new FixedLenFeature(name, FeatureKind.Float)),
                .. words.Select(name => new FixedLenFeature(name, FeatureKind.Bytes)),
            ],
            (writer, random) =>
            {
                writer.Add("label", random.Next(2));
                foreach (string name in numbers) writer.Add(name, random.NextSingle());
                foreach (string name in words) writer.Add(name, random.Next().ToString("x8", CultureInfo.InvariantCulture));
            });
    }

    /// <summary>A sentence and its embedding: 200 token numbers of two or three bytes and 256 floats.</summary>
    public static ExampleWorkload Tokens() => new("parse 200 tokens, 256 floats",
        [new VarLenFeature("tokens", FeatureKind.Int64), new FixedLenFeature("embedding", FeatureKind.Float, 256)],
        (writer, random) =>
        {
            long[] tokens = new long[200];
            float[] embedding = new float[256];
            foreach (ref long token in tokens.AsSpan()) token = random.Next(32000);
            foreach (ref float value in embedding.AsSpan()) value = random.NextSingle();
            writer.Add("tokens", tokens).Add("embedding", embedding);
        });

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var batch = new ExampleParser([.. Features]).CreateBatch();
        return ManagedContestant.Create(FoveaContestant.Name, () =>
        {
            batch.Clear();
            foreach (byte[] example in Examples) batch.Add(example);
        }, () => [.. batch.Columns.SelectMany(Values)], batch);
    }

    // Of a string its length, so that all kinds can be compared.
    private static IEnumerable<float> Values(ExampleColumn column)
    {
        for (int i = 0; i < column.Count; i++)
        {
            yield return column.Kind switch
            {
                FeatureKind.Int64 => column.Int64s[i],
                FeatureKind.Float => column.Floats[i],
                _ => column.Bytes(i).Length,
            };
        }
    }
}
