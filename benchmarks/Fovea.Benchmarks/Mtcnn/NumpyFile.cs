using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>A little-endian, row-major float32 array saved by NumPy (<c>.npy</c>, format 1 or 2).</summary>
internal sealed record NumpyFile(int[] Shape, float[] Data)
{
    public static NumpyFile Load(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes[1..6].SequenceEqual("NUMPY"u8)) throw new InvalidDataException($"{path}: not a NumPy file.");
        int start = bytes[6] == 1 ? 10 : 12;
        int length = bytes[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) : BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        string header = Encoding.Latin1.GetString(bytes.Slice(start, length));
        if (!header.Contains("'<f4'", StringComparison.Ordinal) || header.Contains("'fortran_order': True", StringComparison.Ordinal))
            throw new InvalidDataException($"{path}: expected row-major float32, found {header.Trim()}.");
        int open = header.IndexOf('(', StringComparison.Ordinal), close = header.IndexOf(')', open);
        var shape = header[(open + 1)..close]
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(dimension => int.Parse(dimension, CultureInfo.InvariantCulture)).ToArray();
        return new NumpyFile(shape, MemoryMarshal.Cast<byte, float>(bytes[(start + length)..]).ToArray());
    }
}
