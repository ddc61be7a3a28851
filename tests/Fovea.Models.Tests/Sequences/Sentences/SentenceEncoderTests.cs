using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Fovea.Data;
using Fovea.Models.Sequences.Sentences;

namespace Fovea.Models.Tests.Sequences.Sentences;

/// <summary>Against the tensors that TensorFlow.js computed on its plain CPU backend.</summary>
public sealed class SentenceEncoderTests
{
    private const int Heads = 4;

    [Fact]
    public void VectorsAreThoseOfTheOriginal()
    {
        var (oracle, sentences, tokens) = Oracle();
        using var encoder = Load();
        for (var s = 0; s < sentences.Length; s++) Assert.Equal(tokens[s], encoder.Tokenizer.Encode(sentences[s]).Select(t => t.Id));
        using var stream = Device.Cpu.CreateStream();
        var vectors = new float[sentences.Length * SentenceEncoder.Width];
        encoder.Encode(stream, sentences, vectors);
        // Both sides round sums of up to 1536 f32 terms differently in each of ten products; elements are of order 0.05.
        Near(Npy(oracle, "embeddings.npy"), vectors, 2e-6f);
        Assert.Equal(0.846, Cosine(vectors, 0, 1), 3);
        Assert.Equal(0.581, Cosine(vectors, 2, 3), 3);

        // Sentences do not see each other.
        var alone = new float[SentenceEncoder.Width];
        encoder.Encode(stream, [sentences[3]], alone);
        Near(vectors.AsSpan(3 * SentenceEncoder.Width, SentenceEncoder.Width), alone, 1e-6f);
    }

    [Fact]
    public void AttentionLogitsAreThoseOfTheOriginal()
    {
        var (oracle, sentences, tokens) = Oracle();
        using var encoder = Load();
        using var stream = Device.Cpu.CreateStream();
        var seen = 0;
        var longest = tokens.Max(t => t.Length);
        using var vectors = encoder.Forward(stream, sentences, (layer, q, k) =>
        {
            seen++;
            var d = (int)q.Shape[2];
            var expected = Npy(oracle, $"mid_Layer_{layer}_TransformerLayer_MultiheadAttention_DotProductAttention_BaseDotProductAttention_MatMul.npy");
            float[] queries = q.ToArray<float>(stream), keys = k.ToArray<float>(stream);
            var first = 0;
            for (var s = 0; s < sentences.Length; first += tokens[s++].Length)
                for (var h = 0; h < Heads; h++)
                    for (var i = 0; i < tokens[s].Length; i++)
                        for (var j = 0; j < tokens[s].Length; j++)
                        {
                            double dot = 0;
                            for (var c = 0; c < d; c++) dot += queries[((first + i) * Heads + h) * d + c] * keys[((first + j) * Heads + h) * d + c];
                            // Logits reach 20; sums of 256 and 512 terms in f32, then of 64 or 128.
                            Assert.Equal(expected[((s * Heads + h) * longest + i) * longest + j], dot / Math.Sqrt(d), 3e-5);
                        }
        });
        Assert.Equal(2, seen);
    }

    [Fact]
    public void EmptyAndLongSentences()
    {
        using var encoder = Load();
        using var stream = Device.Cpu.CreateStream();
        // 128 tokens count: what stands behind them changes nothing.
        string many = string.Join(' ', Enumerable.Repeat("word", 128)), more = many + " and something else";
        Assert.Equal(128, encoder.Tokenizer.Encode(many).Count);
        var vectors = new float[4 * SentenceEncoder.Width];
        encoder.Encode(stream, ["", many, more, ""], vectors);
        for (var s = 0; s < 4; s++) Assert.Equal(1, Cosine(vectors, s, s), 5);
        Assert.Equal(1, Cosine(vectors, 1, 2), 5);
        Assert.Equal(1, Cosine(vectors, 0, 3), 5);
        Assert.True(Cosine(vectors, 0, 1) < 0.9);
        var none = new float[SentenceEncoder.Width];
        encoder.Encode(stream, [""], none);
        Near(vectors.AsSpan(0, SentenceEncoder.Width), none, 1e-6f);
        encoder.Encode(stream, [], []);
        Assert.Throws<ArgumentException>(() => encoder.Encode(stream, ["a"], none.AsSpan(1)));
    }

    [Fact]
    public void AnotherNetworksFileIsRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var weights = TfjsWeights.Parse("""[{"paths": [], "weights": []}]"""u8.ToArray(), "other.json", _ => default);
        var error = Assert.Throws<InvalidDataException>(() => new SentenceEncoderNet(stream, weights));
        Assert.Contains("other.json: there is no weight 'module/Embeddings_en'", error.Message, StringComparison.Ordinal);
    }

    private static double Cosine(ReadOnlySpan<float> vectors, int a, int b)
    {
        double sum = 0;
        for (var i = 0; i < SentenceEncoder.Width; i++) sum += vectors[a * SentenceEncoder.Width + i] * vectors[b * SentenceEncoder.Width + i];
        return sum;
    }

    private static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }

    private static SentenceEncoder Load()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled(SentenceEncoder.ModelName), "use-lite weights are not installed; run fovea models fetch use-lite");
        return SentenceEncoder.Load(Device.Cpu, store);
    }

    private static (string Folder, string[] Sentences, int[][] Tokens) Oracle()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Runtime.sln"))) root = root.Parent;
        var folder = Path.Combine(root?.FullName ?? ".", "..", "shared", "models", "oracle", "use_lite");
        Assert.SkipUnless(Directory.Exists(folder), "oracle data use_lite is not beside the checkout");
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        return (folder,
            [.. meta.RootElement.GetProperty("sentences").EnumerateArray().Select(s => s.GetString()!)],
            [.. meta.RootElement.GetProperty("tokens").EnumerateArray().Select(s => s.EnumerateArray().Select(t => t.GetInt32()).ToArray())]);
    }

    // Version 1 of the format: magic and version in 8 bytes, the header's length in 2, the header, little-endian f32.
    private static float[] Npy(string folder, string file)
    {
        var bytes = File.ReadAllBytes(Path.Combine(folder, file));
        return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(10 + BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8)))).ToArray();
    }
}
