using System.Text;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Models.Tests.Sequences;

/// <summary>Writes model files with random weights: every version, no training.</summary>
internal static class TinyRwkv
{
    internal const int Vocabulary = 37, Width = 24, Layers = 3, Heads = 3, Hidden = 40, Rank = 5;

    /// <summary>The bytes of a file; with <paramref name="halves"/> its matrices are FP16.</summary>
    internal static byte[] File(RwkvVersion version, bool halves = false)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        var random = new Random(7);
        foreach (var number in (int[])[0x67676d66, 101, Vocabulary, Width, Layers, halves ? 1 : 0]) writer.Write(number);
        foreach (var (name, shape, low, high) in Tensors(version))
        {
            var narrow = halves && shape.Length == 2;
            writer.Write(shape.Length);
            writer.Write(Encoding.UTF8.GetByteCount(name));
            writer.Write(narrow ? 1 : 0);
            foreach (var size in shape.Reverse()) writer.Write(size);
            writer.Write(Encoding.UTF8.GetBytes(name));
            for (var i = 0; i < shape.Aggregate(1, (a, b) => a * b); i++)
            {
                var value = low + (high - low) * random.NextSingle();
                if (narrow) writer.Write((Half)value);
                else writer.Write(value);
            }
        }
        return bytes.ToArray();
    }

    private static IEnumerable<(string Name, int[] Shape, float Low, float High)> Tensors(RwkvVersion version)
    {
        // Weights of the size of a trained model's: sums of `inputs` terms stay near 1.
        static (string, int[], float, float) Matrix(string name, int outputs, int inputs) => (name, [outputs, inputs], -1.5f / MathF.Sqrt(inputs), 1.5f / MathF.Sqrt(inputs));
        static (string, int[], float, float) Vector(string name, float low, float high, int size = Width) => (name, [size], low, high);
        yield return ("emb.weight", [Vocabulary, Width], -1, 1);
        foreach (var norm in (string[])["blocks.0.ln0", "ln_out"])
        {
            yield return Vector($"{norm}.weight", 0.5f, 1.5f);
            yield return Vector($"{norm}.bias", -0.2f, 0.2f);
        }
        yield return Matrix("head.weight", Vocabulary, Width);
        for (var i = 0; i < Layers; i++)
        {
            string block = $"blocks.{i}", att = $"{block}.att", ffn = $"{block}.ffn";
            foreach (var norm in (string[])["ln1", "ln2"])
            {
                yield return Vector($"{block}.{norm}.weight", 0.5f, 1.5f);
                yield return Vector($"{block}.{norm}.bias", -0.2f, 0.2f);
            }
            foreach (var name in (string[])["key", "value", "receptance", "output"]) yield return Matrix($"{att}.{name}.weight", Width, Width);
            yield return Matrix($"{ffn}.key.weight", Hidden, Width);
            yield return Matrix($"{ffn}.value.weight", Width, Hidden);
            if (version != RwkvVersion.V7)
            {
                yield return Matrix($"{ffn}.receptance.weight", Width, Width);
                foreach (var name in (string[])["att.time_mix_k", "att.time_mix_v", "att.time_mix_r", "ffn.time_mix_k", "ffn.time_mix_r"])
                    yield return Vector($"{block}.{name}", 0, 1);
            }
            if (version != RwkvVersion.V4)
            {
                yield return Vector($"{att}.ln_x.weight", 0.5f, 1.5f);
                yield return Vector($"{att}.ln_x.bias", -0.2f, 0.2f);
            }
            switch (version)
            {
                case RwkvVersion.V4:
                    yield return Vector($"{att}.time_decay", -3, -0.05f);
                    yield return Vector($"{att}.time_first", -1, 1);
                    break;
                case RwkvVersion.V51:
                    yield return ($"{att}.time_decay", [Heads, 1, 1], 0.5f, 0.99f);
                    yield return ($"{att}.time_first", [Heads, 1, 1], 0.5f, 2);
                    break;
                case RwkvVersion.V52:
                    yield return ($"{att}.time_decay", [Heads, Width / Heads, 1], 0.5f, 0.99f);
                    yield return ($"{att}.time_faaaa", [Heads, Width / Heads, 1], -1, 1);
                    yield return Vector($"{att}.time_mix_g", 0, 1);
                    yield return Matrix($"{att}.gate.weight", Width, Width);
                    break;
                default:
                    yield return ($"{att}.x_rwkvag", [6, 1, Width], 0, 1);
                    foreach (var name in (string[])["w", "a", "v", "g"])
                    {
                        if (name == "v" && i == 0) continue;
                        yield return Matrix($"{att}.{name}1", Rank, Width);
                        yield return Matrix($"{att}.{name}2", Width, Rank);
                        if (name != "g") yield return ($"{att}.{name}0", [1, 1, Width], -1, 1);
                    }
                    yield return ($"{att}.k_k", [1, 1, Width], 0.5f, 1);
                    yield return ($"{att}.k_a", [1, 1, Width], 0.5f, 1);
                    yield return ($"{att}.r_k", [Heads, Width / Heads], -0.5f, 0.5f);
                    yield return ($"{ffn}.x_k", [1, 1, Width], 0, 1);
                    break;
            }
        }
    }
}
