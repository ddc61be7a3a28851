using System.Runtime.InteropServices;
using System.Text.Json;
using Fovea.Data;

namespace Fovea.Models.Tests;

/// <summary>TensorFlow.js weights of a network's layout with random values, for tests that no file may be needed for.</summary>
internal static class GeneratedTfjs
{
    /// <summary>Kernels get a variance that keeps the activations' size (He et al., 2015), biases small values.</summary>
    public static TfjsWeights Create(IEnumerable<(string Name, int[] Shape)> layout)
    {
        var random = new Random(11);
        var values = new List<float>();
        var manifest = new List<object>();
        foreach (var (name, shape) in layout)
        {
            int count = shape.Aggregate(1, (product, size) => product * size);
            float bound = shape.Length == 1 ? 0.1f : MathF.Sqrt(6f * shape[^1] / count);
            for (int i = 0; i < count; i++) values.Add((random.NextSingle() * 2 - 1) * bound);
            manifest.Add(new { name, shape, dtype = "float32" });
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(new[] { new { paths = new[] { "weights.bin" }, weights = manifest } });
        byte[] shard = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)).ToArray();
        return TfjsWeights.Parse(json, "generated", _ => shard);
    }

    /// <summary>A deterministic picture of gradients and edges.</summary>
    public static byte[] Picture(int width, int height)
    {
        var rgb = new byte[3 * width * height];
        for (int i = 0; i < rgb.Length; i++) rgb[i] = (byte)(i / 3 % width * (i % 3 + 1) * 3 + i / 3 / width * (5 - i % 3) * 2);
        return rgb;
    }
}
