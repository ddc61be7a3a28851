using System.Runtime.InteropServices;

namespace Fovea.Data.Tests;

/// <summary>A small model: x -> CONV_2D with f32 weights -> FULLY_CONNECTED whose f16 weights come through DEQUANTIZE.</summary>
internal static class TfliteFixture
{
    internal static readonly float[] ConvWeights = [.. Enumerable.Range(0, 12).Select(i => i * 0.25f - 1)];

    internal static readonly Half[] FullWeights = [(Half)0.5f, (Half)(-2f), (Half)65504f, (Half)6.1035156e-05f];

    internal static byte[] Build(int weightRows = 2)
    {
        var w = new FlatWriter();
        Func<int> Tensor(string name, byte type, int buffer, params int[] shape) =>
            () => w.Table((Func<int>)(() => w.Int32s(shape)), type, buffer, (Func<int>)(() => w.String(name)));
        Func<int> Buffer(byte[] data) => () => data.Length == 0 ? w.Table() : w.Table((Func<int>)(() => w.Bytes(data)));
        Func<int> Operator(int code, int[] inputs, int[] outputs, Func<int>? options) =>
            () => w.Table(code, (Func<int>)(() => w.Int32s(inputs)), (Func<int>)(() => w.Int32s(outputs)), (byte)1, options);
        w.Root("TFL3", () => w.Table(
            3,
            (Func<int>)(() => w.Tables(
                () => w.Table((byte)3, null, 1, 3),
                () => w.Table((byte)6, null, 1, 6),
                () => w.Table((byte)9, null, 1, 9))),
            (Func<int>)(() => w.Tables(() => w.Table(
                (Func<int>)(() => w.Tables(
                    Tensor("x", 0, 0, 1, 4, 4, 3),
                    Tensor("conv/weights", 0, 1, weightRows, 1, 2, 3),
                    Tensor("conv", 0, 0, 1, 2, 2, 2),
                    Tensor("full/weights_f16", 1, 2, 2, 2),
                    Tensor("full/weights", 0, 0, 2, 2),
                    Tensor("y", 0, 0, 1, 2),
                    Tensor("axes", 2, 3, 2))),
                (Func<int>)(() => w.Int32s(0)),
                (Func<int>)(() => w.Int32s(5)),
                (Func<int>)(() => w.Tables(
                    Operator(0, [0, 1, -1], [2], () => w.Table((byte)1, 2, 1)),
                    Operator(1, [3], [4], null),
                    Operator(2, [2, 4], [5], null)))))),
            (Func<int>)(() => w.String("fixture")),
            (Func<int>)(() => w.Tables(
                Buffer([]),
                Buffer(MemoryMarshal.AsBytes<float>(ConvWeights).ToArray()),
                Buffer(MemoryMarshal.AsBytes<Half>(FullWeights).ToArray()),
                Buffer([1, 0, 0, 0, 254, 255, 255, 255])))));
        return w.ToArray();
    }
}
