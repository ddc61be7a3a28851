using Xunit;
using static Fovea.Data.Tests.TfliteWeights;

namespace Fovea.Data.Tests;

/// <summary>Quantised and sparse constants.</summary>
public class TfliteEncodingTests
{
    [Fact]
    public void OneScaleForTheTensor()
    {
        var tensor = Read(new("w", TfliteElementType.UInt8, [2, 2], [0, 128, 129, 255], Quantized([0.5f], [128])));
        Assert.Equal([-64, 0, 0.5f, 63.5f], tensor.ToFloats());
        Assert.Equal([0.5f], tensor.Quantization!.Scales.ToArray());
        Assert.Equal([128L], tensor.Quantization.ZeroPoints.ToArray());
    }

    [Fact]
    public void OneScalePerChannelOfAnyAxis()
    {
        sbyte[] data = [-128, 127, 1, 2, 3, 4];
        Assert.Equal([-64, 63.5f, 0.5f, 4, 6, 8],
            Read(new("w", TfliteElementType.Int8, [2, 3], Bytes(data), Quantized([0.5f, 2], [0, 0]))).ToFloats());
        Assert.Equal([-128, 254, 4, 2, 6, 16],
            Read(new("w", TfliteElementType.Int8, [2, 3], Bytes(data), Quantized([1, 2, 4], [0, 0, 0], axis: 1))).ToFloats());
        // Depthwise weights [1][kh][kw][channels] have theirs along the last axis, and zero points may be left out.
        Assert.Equal([-128, 12.7f, 1, 0.2f, 3, 0.4f],
            Read(new("w", TfliteElementType.Int8, [1, 3, 1, 2], Bytes(data), Quantized([1, 0.1f], [], axis: 3))).ToFloats());
    }

    [Theory]
    [InlineData(TfliteElementType.Int16, new byte[] { 0, 128, 2, 0 }, new[] { -32769 * 0.25f, 0.25f })]
    [InlineData(TfliteElementType.Int32, new byte[] { 255, 255, 255, 127, 1, 0, 0, 0 }, new[] { 2147483646 * 0.25f, 0 })]
    [InlineData(TfliteElementType.Int64, new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 }, new[] { 2, -0.5f })]
    public void WiderIntegers(TfliteElementType type, byte[] data, float[] expected) =>
        Assert.Equal(expected, Read(new("w", type, [2], data, Quantized([0.25f], [1]))).ToFloats());

    [Fact]
    public void IntegersWithoutAScaleAreNoFloats()
    {
        var tensor = Read(new("axes", TfliteElementType.Int32, [1], [1, 0, 0, 0], Quantized([], [])));
        Assert.Null(tensor.Quantization);
        Assert.False(tensor.HasFloats);
        Assert.Contains("axes Int32 [1]", Assert.Throws<InvalidOperationException>(tensor.ToFloats).Message);
        Assert.Equal([1], tensor.ToInt32s());
    }

    [Theory]
    [InlineData(new[] { 1f, 2 }, new[] { 0L }, 0, "2 scales and 1 zero points")]
    [InlineData(new[] { 1f, 2, 3 }, new[] { 0L, 0, 0 }, 0, "3 scales")]
    [InlineData(new[] { 1f, 2 }, new[] { 0L, 0 }, 2, "axis 2")]
    [InlineData(new[] { 1f, 2 }, new[] { 0L, 0 }, -1, "axis -1")]
    [InlineData(new[] { float.NaN }, new[] { 0L }, 0, "the scale NaN")]
    public void DamagedScalesAreRefused(float[] scales, long[] zeroPoints, int axis, string message) =>
        Assert.Contains(message, Assert.Throws<TfliteFormatException>(
            () => Read(new("w", TfliteElementType.Int8, [2, 1], [1, 2], Quantized(scales, zeroPoints, axis)))).Message);

    [Fact]
    public void CompressedRows()
    {
        var tensor = Read(new("w", TfliteElementType.Float32, [3, 4], Bytes<float>(1, 2, 3, 4, 5), Sparsity:
            Sparse([0, 1], [], new Level(3), new Level(0, [0, 3, 3, 5], [0, 2, 3, 1, 2]))));
        Assert.True(tensor.IsSparse);
        Assert.Equal([1, 0, 2, 3, 0, 0, 0, 0, 0, 4, 5, 0], tensor.ToFloats());
    }

    /// <summary>2 x 2 blocks of a 4 x 4 matrix, the rows of blocks dense, the blocks in them compressed.</summary>
    [Fact]
    public void CompressedBlocks()
    {
        var tensor = Read(new("w", TfliteElementType.Float16, [4, 4], Bytes([.. new[] { 1, 0, 0, 4, 2, 3, 0, 0, 5, 0, 0, 6 }.Select(v => (Half)v)]), Sparsity:
            Sparse([0, 1, 2, 3], [0, 1], new Level(2), new Level(0, [0, 2, 3], [0, 1, 1]), new Level(2), new Level(2))));
        Assert.Equal([1, 0, 2, 3, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 6], tensor.ToFloats());
    }

    [Fact]
    public void SparseAndQuantised() => Assert.Equal([0, -1, 0, 0, 6, 0], Read(new(
        "w", TfliteElementType.UInt8, [2, 3], [9, 13], Quantized([1, 2], [10, 10]), Sparse([1, 0], [], new Level(3), new Level(0, [0, 0, 2, 2], [0, 1])))).ToFloats());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyOrderAndBlocksRoundTrip(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            int[] shape = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => 2 * random.Next(1, 4))];
            var dense = new float[shape.Aggregate(1, (a, b) => a * b)];
            for (var i = 0; i < dense.Length; i++) dense[i] = random.Next(3) == 0 ? random.Next(1, 100) : 0;
            int[] blockMap = [.. Enumerable.Range(0, shape.Length).Where(_ => random.Next(2) == 0)];
            int[] order = [.. Shuffled(random, shape.Length), .. Shuffled(random, blockMap.Length).Select(b => shape.Length + b)];
            var (levels, values) = Encode(random, shape, dense, order, blockMap);
            if (values.Length == 0) continue;
            var tensor = Read(new("w", TfliteElementType.Float32, shape, Bytes(values), Sparsity: Sparse(order, blockMap, levels)));
            Assert.Equal(dense, tensor.ToFloats());
        }
    }

    [Theory]
    [InlineData("has rank 2", new[] { 0, 0 }, 3, new[] { 0, 1, 1, 1 }, new[] { 2 })]
    [InlineData("has rank 2", new[] { 0, 2 }, 3, new[] { 0, 1, 1, 1 }, new[] { 2 })]
    [InlineData("has a dense level of 4 instead of 3", new[] { 0, 1 }, 4, new[] { 0, 1, 1, 1 }, new[] { 2 })]
    [InlineData("has 3 segments over 3 nodes", new[] { 0, 1 }, 3, new[] { 0, 1, 1 }, new[] { 2 })]
    [InlineData("has segments out of order", new[] { 0, 1 }, 3, new[] { 0, 200, 0, 1 }, new[] { 2 })]
    [InlineData("has segments out of order", new[] { 0, 1 }, 3, new[] { 0, 1, 0, 1 }, new[] { 2 })]
    [InlineData("has the index 4 of 4", new[] { 0, 1 }, 3, new[] { 0, 1, 1, 1 }, new[] { 4 })]
    [InlineData("out of range or order", new[] { 0, 1 }, 3, new[] { 0, 2, 2, 2 }, new[] { 2, 2 })]
    [InlineData("places 2 values but stores 1", new[] { 0, 1 }, 3, new[] { 0, 1, 2, 2 }, new[] { 2, 2 })]
    public void DamagedLevelsAreRefused(string message, int[] order, int rows, int[] segments, int[] indexes) =>
        Assert.Contains($"sparse tensor 'w' {message}", Assert.Throws<TfliteFormatException>(() => Read(new(
            "w", TfliteElementType.Float32, [3, 4], Bytes(1f), Sparsity: Sparse(order, [], new Level(rows), new Level(0, segments, indexes)))).ToFloats()).Message
            .Replace("sparse tensor 'w' has the index 2 of 4, out", "sparse tensor 'w' out"));

    [Fact]
    public void ASmallFileCannotAskForMuchMemory()
    {
        // A gigabyte of zeros from one value; and dense levels larger than the file.
        Assert.Contains("stores 1 of 268435456 values", Assert.Throws<TfliteFormatException>(() => Read(new(
            "w", TfliteElementType.Float32, [1 << 14, 1 << 14], Bytes(1f), Sparsity: Sparse([0, 1], [], new Level(1 << 14), new Level(1 << 14))))).Message);
        Assert.Contains("more than the file has bytes", Assert.Throws<TfliteFormatException>(() => Read(new(
            "w", TfliteElementType.Float32, [1 << 20], Bytes(1f), Sparsity: Sparse([0], [], new Level(1 << 20)))).ToFloats()).Message);
    }

    [Fact]
    public void RandomDamageIsRefusedOrRead()
    {
        var bytes = Build(
            new("q", TfliteElementType.Int8, [2, 3], [1, 2, 3, 4, 5, 6], Quantized([1, 2], [3, 4])),
            new("s", TfliteElementType.Float16, [4, 4], new byte[24], Sparsity:
                Sparse([0, 1, 2, 3], [0, 1], new Level(2), new Level(0, [0, 2, 3], [0, 1, 1]), new Level(2), new Level(2))));
        var random = new Random(4);
        var read = 0;
        for (var round = 0; round < 40000; round++)
        {
            var copy = (byte[])bytes.Clone();
            for (var flips = random.Next(1, 5); flips > 0; flips--)
            {
                var at = random.Next(copy.Length);
                if (random.Next(2) == 0) copy[at] = (byte)random.Next(8);
                else BitConverter.TryWriteBytes(copy.AsSpan(at & ~3), random.Next(-8, copy.Length));
            }
            try
            {
                foreach (var tensor in TfliteModel.Parse(copy, "fuzzed").Tensors)
                    if (tensor.HasFloats) read += tensor.ToFloats().Length;
            }
            catch (TfliteFormatException)
            {
            }
        }
        Assert.True(read > 0);
    }

    [Fact]
    public void SparseWeightsOfARealModelAreFoundThroughDensifyAndDequantize()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("blazeface"), "blazeface weights are not installed; run ./build/models.sh");
        var model = store.LoadTflite("blazeface", "full_range_sparse.tflite");
        var sparse = 0;
        foreach (var op in model.Operators.Where(o => o.Opcode is TfliteOpcode.Conv2D or TfliteOpcode.DepthwiseConv2D))
        {
            var weights = model.FindConstant(op, 1);
            Assert.NotNull(weights);
            var values = weights.ToFloats();
            Assert.All(values, v => Assert.True(float.IsFinite(v)));
            if (!weights.IsSparse) continue;
            sparse++;
            // What is stored are the weights that are not zero; pruning left 5 to 50 of a hundred.
            Assert.InRange(values.Count(v => v != 0), values.Length / 20, values.Length / 2);
            Assert.True(values.Count(v => v != 0) <= weights.Data.Length / 2);
        }
        Assert.True(sparse > 10, $"{sparse} sparse layers");
    }

    private static int[] Shuffled(Random random, int count)
    {
        int[] values = [.. Enumerable.Range(0, count)];
        random.Shuffle(values);
        return values;
    }

    // Writes the tree level by level: below each node, all indexes of a dense level, or those of a compressed one with any value left.
    private static (Level[] Levels, float[] Values) Encode(Random random, int[] shape, float[] dense, int[] order, int[] blockMap)
    {
        const int block = 2;
        int SizeOf(int d) => d >= shape.Length ? block : blockMap.Contains(d) ? shape[d] / block : shape[d];
        // The part of the tensor below a node: elements whose coordinates agree with the indexes chosen so far.
        bool Belongs(int element, int d, int index)
        {
            var owner = d >= shape.Length ? blockMap[d - shape.Length] : d;
            var coordinate = element / shape.Skip(owner + 1).Aggregate(1, (a, b) => a * b) % shape[owner];
            return index == (d >= shape.Length ? coordinate % block : blockMap.Contains(d) ? coordinate / block : coordinate);
        }
        int[][] nodes = [[.. Enumerable.Range(0, dense.Length)]];
        var levels = new List<Level>();
        foreach (var d in order)
        {
            var compressed = d < shape.Length && random.Next(2) == 0;
            List<int> segments = [0], indexes = [];
            var next = new List<int[]>();
            foreach (var node in nodes)
            {
                for (var index = 0; index < SizeOf(d); index++)
                {
                    int[] below = [.. node.Where(e => Belongs(e, d, index))];
                    if (compressed && below.All(e => dense[e] == 0)) continue;
                    indexes.Add(index);
                    next.Add(below);
                }
                segments.Add(indexes.Count);
            }
            levels.Add(compressed ? new Level(0, [.. segments], [.. indexes]) : new Level(SizeOf(d)));
            nodes = [.. next];
        }
        return ([.. levels], [.. nodes.Select(n => dense[n.Single()])]);
    }
}
