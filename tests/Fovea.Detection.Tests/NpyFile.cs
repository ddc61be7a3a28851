using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Fovea.Detection.Tests;

/// <summary>Reads the version 1 .npy files of the oracle: little-endian f32 or u8 in C order.</summary>
internal sealed partial class NpyFile
{
    private readonly byte[] _data;

    private NpyFile(int[] shape, byte[] data)
    {
        Shape = shape;
        _data = data;
    }

    public int[] Shape { get; }

    public ReadOnlySpan<byte> Bytes => _data;

    public ReadOnlySpan<float> Floats => MemoryMarshal.Cast<byte, float>(_data);

    public static NpyFile Load(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        string header = Encoding.ASCII.GetString(file, 10, headerLength);
        int[] shape = [.. ShapePattern().Match(header).Groups[1].Value
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        return new NpyFile(shape, file[(10 + headerLength)..]);
    }

    /// <summary>A rank-4 tensor with its two middle axes swapped, as floats.</summary>
    public float[] SwapMiddleAxes()
    {
        var (n, a, b, c) = (Shape[0], Shape[1], Shape[2], Shape[3]);
        var source = Floats;
        var result = new float[source.Length];
        for (int i = 0; i < n; i++)
            for (int y = 0; y < b; y++)
                for (int x = 0; x < a; x++)
                    source.Slice(((i * a + x) * b + y) * c, c).CopyTo(result.AsSpan(((i * b + y) * a + x) * c));
        return result;
    }

    [GeneratedRegex(@"'shape': \(([^)]*)\)")]
    private static partial Regex ShapePattern();
}
