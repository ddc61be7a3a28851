using System.Text;
using Xunit;

namespace Fovea.Data.Tests.Onnx;

/// <summary>Constants of ONNX models: where they hide, and what a damaged file is answered with.</summary>
public sealed class OnnxWeightsTests
{
    [Fact]
    public void InitializersAndConstantsOfNestedGraphs()
    {
        var inner = Graph(Node("Constant", "inner", Field(5, Tensor("", 1, [2], Floats(3, 4)))));
        var model = Field(7, Graph(
            Field(5, Tensor("weight", 1, [2, 2], Floats(1, 2, 3, 4))),
            Field(5, Tensor("half", 10, [1], [0x00, 0x3c])),
            Node("Constant", "scalar", Field(5, Tensor("unused", 7, [], [5, 0, 0, 0, 0, 0, 0, 0]))),
            Node("If", "result", Field(6, inner)),
            Node("Relu", "y")));
        var weights = OnnxWeights.Parse(model, "m.onnx");
        Assert.Equal([1f, 2, 3, 4], weights.Get("weight", 2, 2).ToFloats());
        Assert.Equal([1f], weights.Get("half", 1).ToFloats());
        Assert.Equal([3f, 4], weights.Get("inner", 2).ToFloats());
        Assert.Equal(OnnxElementType.Int64, weights.Get("scalar").Type);
        Assert.Equal(4, weights.Tensors.Count);
        Assert.Throws<InvalidOperationException>(() => weights.Get("scalar").ToFloats());
        Assert.Contains("[2,2]", Assert.Throws<InvalidDataException>(() => weights.Get("weight", 4)).Message, StringComparison.Ordinal);
        Assert.Contains("'other'", Assert.Throws<InvalidDataException>(() => weights.Get("other")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesAreNamed()
    {
        var good = Field(7, Graph(Field(5, Tensor("w", 1, [2], Floats(1, 2)))));
        for (var cut = 1; cut < good.Length; cut++)
            Assert.Contains("m.onnx", Assert.Throws<OnnxFormatException>(() => OnnxWeights.Parse(good.AsMemory(0, cut), "m.onnx")).Message, StringComparison.Ordinal);
        AssertBad("instead of 12", Field(5, Tensor("w", 1, [3], Floats(1, 2))));
        AssertBad("has only", Field(5, Tensor("w", 1, [1 << 30, 1 << 30, 1 << 30], Floats(1, 2))));
        AssertBad("twice", Field(5, Tensor("w", 1, [1], Floats(1))), Field(5, Tensor("w", 1, [1], Floats(1))));
        AssertBad("dimension", Field(5, Tensor("w", 1, [-1], Floats(1))));
        AssertBad("no constants");
        var nested = Graph();
        for (var i = 0; i < 40; i++) nested = Graph(Node("If", "y", Field(6, nested)));
        Assert.Contains("nested", Assert.Throws<OnnxFormatException>(() => OnnxWeights.Parse(Field(7, nested), "m.onnx")).Message, StringComparison.Ordinal);

        static void AssertBad(string problem, params byte[][] parts) =>
            Assert.Contains(problem, Assert.Throws<OnnxFormatException>(() => OnnxWeights.Parse(Field(7, Graph(parts)), "m.onnx")).Message, StringComparison.Ordinal);
    }

    private static byte[] Graph(params byte[][] parts) => [.. parts.SelectMany(p => p)];

    // op_type 4, output 2, and an attribute 5 with the given contents.
    private static byte[] Node(string op, string output, byte[]? attribute = null) =>
        Field(1, [.. Field(2, Encoding.UTF8.GetBytes(output)), .. attribute is null ? [] : Field(5, attribute), .. Field(4, Encoding.UTF8.GetBytes(op))]);

    private static byte[] Tensor(string name, int type, long[] shape, byte[] data) =>
        [.. shape.SelectMany(d => (byte[])[1 << 3, .. Varint((ulong)d)]), 2 << 3, (byte)type, .. Field(8, Encoding.UTF8.GetBytes(name)), .. Field(9, data)];

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] Field(int field, byte[] contents) => [(byte)((field << 3) | 2), .. Varint((ulong)contents.Length), .. contents];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
