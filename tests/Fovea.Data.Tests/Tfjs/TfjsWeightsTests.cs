using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class TfjsWeightsTests : IDisposable
{
    private const string Manifest = """
        [{"paths":["a.bin","b.bin"],"weights":[
          {"name":"f32","shape":[2],"dtype":"float32"},
          {"name":"f16","shape":[1,2],"dtype":"float32","quantization":{"dtype":"float16","original_dtype":"float32"}},
          {"name":"u8","shape":[3],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":-1}},
          {"name":"none","shape":[0,4],"dtype":"int32"},
          {"name":"u16","shape":[2],"dtype":"float32","quantization":{"dtype":"uint16","scale":0.1,"min":0.25}}]},
         {"paths":["c.bin"],"weights":[{"name":"scalar","shape":[],"dtype":"int32"},{"name":"flag","shape":[1],"dtype":"bool"}]}]
        """;

    private static readonly Dictionary<string, byte[]> Shards = new()
    {
        // The boundary between the first two shards lies within the 16-bit floats.
        ["a.bin"] = [.. Bytes(1.5f, -2f), 0],
        ["b.bin"] = [.. Bytes((Half)0.5, (Half)(-3))[1..], 0, 2, 255, 1, 0, 0, 1],
        ["c.bin"] = [.. Bytes(-7), 1],
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-tfjs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryEncoding(bool inModelJson)
    {
        var weights = Parse(inModelJson ? $$"""{"modelTopology":{"node":[]},"weightsManifest":{{Manifest}}}""" : Manifest);
        Assert.Equal(["f32", "f16", "u8", "none", "u16", "scalar", "flag"], weights.Tensors.Select(t => t.Name));
        Assert.Equal([1.5f, -2], weights.GetTensor("f32").ToFloats());
        Assert.Equal([0.5f, -3], weights.GetTensor("f16").ToFloats());
        Assert.Equal([1, 2], weights.GetTensor("f16").Shape.ToArray());
        Assert.Equal([-1, 0, 126.5f], weights.GetTensor("u8").ToFloats());
        Assert.Equal([(float)(1 * 0.1 + 0.25), (float)(256 * 0.1 + 0.25)], weights.GetTensor("u16").ToFloats());
        Assert.Equal([-7], weights.GetTensor("scalar").ToInt32s());
        Assert.Empty(weights.GetTensor("none").ToInt32s());
        Assert.Contains("scalar int32 []", Assert.Throws<InvalidOperationException>(weights.GetTensor("scalar").ToFloats).Message);
        Assert.Contains("f32 float32 [2]", Assert.Throws<InvalidOperationException>(weights.GetTensor("f32").ToInt32s).Message);
        Assert.Contains("'nope'", Assert.Throws<KeyNotFoundException>(() => weights.GetTensor("nope")).Message);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("{}", "")]
    [InlineData("[{}]", "")]
    [InlineData("[{\"paths\":[3],\"weights\":[]}]", "")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[]}]", "the shards have 5 bytes, the weights need 0")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[2],\"dtype\":\"float32\"}]}]", "'w' [2] needs 8 bytes, the shards have 5 left")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[-1],\"dtype\":\"float32\"}]}]", "'w' has the impossible shape [-1]")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[65536,65536],\"dtype\":\"bool\"}]}]", "'w' has the impossible shape [65536,65536]")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[5000000000],\"dtype\":\"bool\"}]}]", "")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[5],\"dtype\":\"string\"}]}]", "'w' has the unknown type 'string'")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[5],\"dtype\":\"int32\",\"quantization\":{\"dtype\":\"uint8\"}}]}]", "'w' is int32 stored as uint8")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[5],\"dtype\":\"float32\",\"quantization\":{\"dtype\":\"uint8\",\"min\":0}}]}]", "")]
    [InlineData("[{\"paths\":[\"c.bin\"],\"weights\":[{\"name\":\"w\",\"shape\":[2],\"dtype\":\"bool\"},{\"name\":\"w\",\"shape\":[3],\"dtype\":\"bool\"}]}]", "'w' occurs twice")]
    public void DamagedManifestsAreRefusedByName(string json, string message)
    {
        var error = Assert.Throws<TfjsFormatException>(() => Parse(json));
        Assert.StartsWith("model.json: not valid TensorFlow.js weights: ", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void ShardsStayInTheFolder()
    {
        foreach (var (name, bytes) in Shards) File.WriteAllBytes(Path.Combine(_folder, name), bytes);
        var path = Path.Combine(_folder, "model.json");
        File.WriteAllText(path, Manifest);
        Assert.Equal(7, TfjsWeights.Load(path).Tensors.Count);
        foreach (var name in new[] { "../c.bin", "/etc/passwd", "..", "", "sub/c.bin" })
        {
            File.WriteAllText(path, Manifest.Replace("c.bin", name));
            Assert.Contains($"'{name}' is not a file beside it", Assert.Throws<TfjsFormatException>(() => TfjsWeights.Load(path)).Message);
        }
    }

    [Fact]
    public void RandomDamageIsRefusedOrRead()
    {
        var bytes = Encoding.UTF8.GetBytes(Manifest);
        var random = new Random(3);
        for (var round = 0; round < 20000; round++)
        {
            var copy = (byte[])bytes.Clone();
            for (var flips = random.Next(1, 4); flips > 0; flips--) copy[random.Next(copy.Length)] = (byte)random.Next(32, 127);
            try
            {
                foreach (var tensor in TfjsWeights.Parse(copy, "fuzzed", Shard).Tensors)
                    if (tensor.Type == "float32") tensor.ToFloats();
            }
            catch (TfjsFormatException)
            {
            }
        }
    }

    /// <summary>Names, shapes and the first values as an independent reader sees them (numpy on the same bytes).</summary>
    [Fact]
    public void RealWeights()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("tiny-yolov2-face"), "tiny-yolov2-face weights are not installed; run ./build/models.sh");
        var weights = store.LoadTfjs("tiny-yolov2-face", "tiny_face_detector_model-weights_manifest.json");
        Assert.Equal(193321, weights.Tensors.Sum(t => t.ElementCount));
        var filters = weights.GetTensor("conv0/filters");
        Assert.Equal([3, 3, 3, 16], filters.Shape.ToArray());
        Assert.Equal([0.288225412f, 0.00900704414f, 0.216169059f, 0.207162023f], filters.ToFloats()[..4]);
    }

    private static TfjsWeights Parse(string json) => TfjsWeights.Parse(Encoding.UTF8.GetBytes(json), "model.json", Shard);

    private static ReadOnlyMemory<byte> Shard(string name) =>
        Shards.TryGetValue(name, out var bytes) ? bytes : throw new TfjsFormatException("fuzzed", $"no shard '{name}'");

    private static byte[] Bytes<T>(params T[] values) where T : struct => MemoryMarshal.AsBytes<T>(values).ToArray();
}
