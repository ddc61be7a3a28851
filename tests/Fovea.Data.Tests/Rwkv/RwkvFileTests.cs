using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace Fovea.Data.Tests.Rwkv;

public sealed class RwkvFileTests
{
    [Fact]
    public void TensorsAreReadAsWritten()
    {
        using var folder = new TempFolder();
        byte[] bytes = [.. Header(5, 3, 2),
            .. Tensor("a.weight", 0, [2, 3], Floats(1, -2, 3.5f, 4, 5, 6)),
            .. Tensor("b", 1, [4, 1, 1], [.. ((Half[])[(Half)0.5f, (Half)(-65504), (Half)1e-7f, Half.NaN]).SelectMany(BitConverter.GetBytes)])];
        using var file = RwkvFile.Open(folder.Write("model.bin", bytes));
        Assert.Equal((5, 3, 2), (file.Vocabulary, file.Width, file.Layers));
        Assert.Equal("a.weight [2, 3] Float32", file.Find("a.weight").ToString());
        Assert.Equal([1, -2, 3.5f, 4, 5, 6], file.ReadFloats("a.weight", 6));
        Assert.Equal([0.5f, -65504, (float)(Half)1e-7f, float.NaN], file.ReadFloats("b", 4));
        Assert.Equal("model.bin: it has no tensor c", Message(() => file.Find("c")));
        Assert.Equal("model.bin: b [4, 1, 1] Float16 should have 5 elements", Message(() => file.ReadFloats("b", 5)));
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        using var folder = new TempFolder();
        byte[] bytes = [.. Header(5, 3, 2), .. Tensor("weight", 0, [2, 2], Floats(1, 2, 3, 4))];
        for (var length = 0; length < bytes.Length; length++)
        {
            if (length == 24) continue; // a header without tensors
            Assert.Throws<RwkvFileException>(() => RwkvFile.Open(folder.Write("model.bin", bytes[..length])).Dispose());
        }
        RwkvFile.Open(folder.Write("model.bin", bytes)).Dispose();
    }

    public static TheoryData<byte[], string> Bad => new()
    {
        { Changed(0, 0x67676d6c), "it does not begin as an RWKV model file" },
        { Changed(4, 99), "version 99 is not known" },
        { Changed(4, 102), "version 102 is not known" },
        { Changed(8, 0), "the vocabulary is 0" },
        { Changed(12, -1), "the width is -1" },
        { Changed(16, int.MaxValue), "the number of layers is 2147483647" },
        { Changed(24, 0), "the tensor at byte 24 has 0 dimensions" },
        { Changed(24, 4), "the tensor at byte 24 has 4 dimensions" },
        { Changed(28, 0), "the tensor at byte 24 has a name of 0 bytes" },
        { Changed(28, -1), "the tensor at byte 24 has a name of 4294967295 bytes" },
        { Changed(28, 200), "the file ends within the tensor at byte 24" },
        { Changed(32, 8), "weight has data of type 8: only FP32 and FP16 can be read" },
        { Changed(36, 0), "weight does not fit into the file" },
        { Changed(36, 3), "weight does not fit into the file" },
        { Changed(40, int.MaxValue), "weight does not fit into the file" },
        { Changed(40, -1), "weight does not fit into the file" },
        { [.. Changed(4, 101), .. Tensor("weight", 0, [1], Floats(1))], "it has two tensors weight" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void BadFilesAreNamed(byte[] bytes, string expected)
    {
        using var folder = new TempFolder();
        var path = folder.Write("model.bin", bytes);
        Assert.Equal($"model.bin: {expected}", Message(() => RwkvFile.Open(path).Dispose()));
    }

    private static string Message(Action action)
    {
        var message = Assert.Throws<RwkvFileException>(action).Message;
        return message[message.IndexOf("model.bin", StringComparison.Ordinal)..];
    }

    // A header, and a tensor whose sizes are at bytes 36 and 40.
    private static byte[] Changed(int at, int value)
    {
        byte[] bytes = [.. Header(5, 3, 2), .. Tensor("weight", 0, [2, 2], Floats(1, 2, 3, 4))];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
        return bytes;
    }

    private static byte[] Header(int vocabulary, int width, int layers) => Numbers(0x67676d66, 101, vocabulary, width, layers, 0);

    private static byte[] Tensor(string name, int type, int[] shape, byte[] data) =>
        [.. Numbers(shape.Length, name.Length, type), .. Numbers([.. shape.Reverse()]), .. Encoding.UTF8.GetBytes(name), .. data];

    private static byte[] Numbers(params int[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
