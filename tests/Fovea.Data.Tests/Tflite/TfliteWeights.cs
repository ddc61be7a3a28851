using System.Runtime.InteropServices;

namespace Fovea.Data.Tests;

/// <summary>Models that hold constants and nothing else.</summary>
internal static class TfliteWeights
{
    /// <summary>A constant; quantization and sparsity write their tables.</summary>
    internal sealed record Constant(
        string Name, TfliteElementType Type, int[] Shape, byte[] Data, Func<FlatWriter, int>? Quantization = null, Func<FlatWriter, int>? Sparsity = null);

    /// <summary>One level of a sparse tensor: dense of a size, or compressed with segments and indexes.</summary>
    internal sealed record Level(int DenseSize, int[]? Segments = null, int[]? Indexes = null);

    internal static byte[] Build(params Constant[] constants)
    {
        var w = new FlatWriter();
        w.Root("TFL3", () => w.Table(
            3, null,
            (Func<int>)(() => w.Tables(() => w.Table((Func<int>)(() => w.Tables([.. constants.Select((c, i) => (Func<int>)(() => w.Table(
                (Func<int>)(() => w.Int32s(c.Shape)), (byte)c.Type, i, (Func<int>)(() => w.String(c.Name)),
                c.Quantization is null ? null : (Func<int>)(() => c.Quantization(w)), null,
                c.Sparsity is null ? null : (Func<int>)(() => c.Sparsity(w)))))]))))),
            null,
            (Func<int>)(() => w.Tables([.. constants.Select(c => (Func<int>)(() => w.Table((Func<int>)(() => w.Bytes(c.Data)))))]))));
        return w.ToArray();
    }

    internal static TfliteTensor Read(Constant constant) => TfliteModel.Parse(Build(constant), "weights").GetTensor(constant.Name);

    internal static byte[] Bytes<T>(params T[] values) where T : struct => MemoryMarshal.AsBytes<T>(values).ToArray();

    internal static Func<FlatWriter, int> Quantized(float[] scales, long[] zeroPoints, int axis = 0) => w => w.Table(
        null, null, (Func<int>)(() => w.Vector(4, Bytes(scales))), (Func<int>)(() => w.Int64s(zeroPoints)), null, null, axis);

    /// <summary>Indexes are written with 1, 2 or 4 bytes in turn by level, so that all kinds occur.</summary>
    internal static Func<FlatWriter, int> Sparse(int[] order, int[] blockMap, params Level[] levels) => w => w.Table(
        (Func<int>)(() => w.Int32s(order)), (Func<int>)(() => w.Int32s(blockMap)),
        (Func<int>)(() => w.Tables([.. levels.Select((level, i) => (Func<int>)(() => level.Segments is null
            ? w.Table((byte)0, level.DenseSize)
            : w.Table((byte)1, null, (byte)(1 + i % 3), Indexes(w, i % 3, level.Segments), (byte)(1 + (i + 1) % 3), Indexes(w, (i + 1) % 3, level.Indexes!))))])));

    private static Func<int> Indexes(FlatWriter w, int kind, int[] values) => () => w.Table((Func<int>)(() => kind switch
    {
        0 => w.Int32s(values),
        1 => w.Vector(2, Bytes(Array.ConvertAll(values, v => (ushort)v))),
        _ => w.Vector(1, Array.ConvertAll(values, v => (byte)v)),
    }));
}
