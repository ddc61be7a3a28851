using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class SafetensorsTests
{
    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        var writer = new SafetensorsWriter();
        writer.Metadata["step"] = "17";
        writer.Add("b", SafetensorsDType.U8, [3], () => new byte[] { 1, 2, 3 });
        writer.Add("a", SafetensorsDType.F32, [1, 2], () => Floats(0.5f, -2));
        using var folder = new TempFolder();
        writer.Save(folder.Of("x"));
        Assert.Equal([folder.Of("x")], Directory.GetFiles(folder.Path));

        using var file = SafetensorsFile.Open(folder.Of("x"));
        Assert.Equal("17", file.Metadata["step"]);
        Assert.Equal([0.5f, -2], file.ReadFloats("a"));
        var bytes = new byte[3];
        file.Read("b", bytes);
        Assert.Equal([1, 2, 3], bytes);
        Assert.Equal(8, file.Tensors["b"].Offset); // behind the wider type
        Assert.Throws<KeyNotFoundException>(() => file.Read("c", bytes));
    }

    [Theory]
    [InlineData("""{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"t":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}""", "twice")]
    [InlineData("""{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"more":1}}""", "unexpected")]
    [InlineData("""{"t":{"dtype":"U9","shape":[2],"data_offsets":[0,2]}}""", "unknown dtype")]
    [InlineData("""{"t":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}""", "something else")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", "begins at")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", "begins at")]
    [InlineData("""{"t":{"dtype":"I64","shape":[4611686018427387904,4],"data_offsets":[0,2]}}""", "overflows")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "follow the header")]
    [InlineData("[]", "not an object")]
    public void WrongHeadersAreRefused(string json, string message)
    {
        using var folder = new TempFolder();
        var bytes = Encoding.UTF8.GetBytes(json);
        var path = folder.Write("x", [.. BitConverter.GetBytes((long)bytes.Length), .. bytes, 0, 0]);
        var refused = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFilesAreRefusedOrReadNeverMore()
    {
        var writer = new SafetensorsWriter();
        writer.Add("weight", SafetensorsDType.F32, [2, 3], () => Floats(1, 2, 3, 4, 5, 6));
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        var whole = stream.ToArray();
        using var folder = new TempFolder();
        for (var length = 0; length < whole.Length; length++)
        {
            var path = folder.Write("x", whole[..length]);
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        }
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var damaged = whole.ToArray();
            damaged[random.Next(whole.Length - 24)] ^= (byte)(1 << random.Next(8));
            var path = folder.Write("x", damaged);
            try
            {
                using var file = SafetensorsFile.Open(path);
                Assert.True(file.Tensors.Values.Sum(t => t.Length) <= 24);
            }
            catch (SafetensorsException)
            {
            }
        }
    }

    [Fact]
    public void PublishedFiles()
    {
        using var folder = new TempFolder();
        using var vectors = JsonDocument.Parse(SharedData.Vectors("safetensors.json"));
        foreach (var test in vectors.RootElement.EnumerateArray())
        {
            var name = test.GetProperty("name").GetString()!;
            var bytes = test.GetProperty("base64").GetBytesFromBase64();
            var path = folder.Write("x", bytes);
            if (test.TryGetProperty("error", out _))
            {
                Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
                continue;
            }
            using var file = SafetensorsFile.Open(path);
            Assert.Equal(test.GetProperty("tensors").EnumerateObject().Select(t => t.Name).Order(), file.Tensors.Keys.Order());
            if (!test.TryGetProperty("writer_must_produce_exactly", out _)) continue;
            var writer = new SafetensorsWriter();
            foreach (var (key, value) in file.Metadata) writer.Metadata[key] = value;
            foreach (var tensor in file.Tensors.Values)
            {
                writer.Add(tensor.Name, tensor.DType, [.. tensor.Shape], () =>
                {
                    var data = new byte[tensor.Length];
                    file.Read(tensor.Name, data);
                    return data;
                });
            }
            using var again = new MemoryStream();
            writer.WriteTo(again);
            Assert.True(bytes.AsSpan().SequenceEqual(again.ToArray()), name);
        }
    }

    private static byte[] Floats(params ReadOnlySpan<float> values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(values).ToArray();
}
