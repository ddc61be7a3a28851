using Fovea.Detection.Assignment;
using Fovea.Detection.Pyramids;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Proposals and detections of both stages against plain loops.</summary>
public sealed class GroupedBoxesTests
{
    private const int Size = 64;

    [Theory]
    [InlineData(DeviceType.Cpu)]
    [InlineData(DeviceType.CudaEmulated)]
    public void ProposalsAreTheBestOfEachLevelAfterSuppression(DeviceType device)
    {
        EquatableList<int> levels = [20, 7];
        const int most = 9, capacity = 12, images = 2, anchors = 27;
        var random = new Random(11);
        float[] anchorBoxes = [.. Enumerable.Range(0, anchors).SelectMany(_ => Box(random))];
        float[] logits = [.. Enumerable.Range(0, images * anchors).Select(_ => random.NextSingle() * 20 - 10)];
        float[] deltas = [.. Enumerable.Range(0, images * anchors * 4).Select(_ => random.NextSingle() - 0.5f)];
        logits[3] = float.NaN;
        (logits[5], deltas[4 * 5 + 2]) = (20, -100); // a box without width
        using var stream = StreamOf(device);
        using var logitTensor = DeviceTensor.From<float>(stream, logits, images, anchors, 1);
        using var deltaTensor = DeviceTensor.From<float>(stream, deltas, images, anchors, 4);
        using var anchorTensor = DeviceTensor.From<float>(stream, anchorBoxes, anchors, 4);
        int[] groups = GroupedBoxesOperation.GroupsOf(ProposalsOperation.CandidatesOf(levels, most));
        Assert.Equal([.. Enumerable.Repeat(0, 9), .. Enumerable.Repeat(1, 7)], groups);
        using var groupTensor = DeviceTensor.From<int>(stream, groups, groups.Length);
        var tape = new Tape();
        var y = new ProposalsOperation(levels, most, Size, capacity).Record(tape.Input(logitTensor), tape.Input(deltaTensor), tape.Input(anchorTensor), tape.Input(groupTensor))[0];
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        var found = program.Read(y).ToArray<float>(stream).Chunk(6).ToArray();

        for (var image = 0; image < images; image++)
        {
            var candidates = new List<float[]>();
            var start = 0;
            for (var level = 0; level < levels.Count; level++)
            {
                var best = Enumerable.Range(start, levels[level]).Where(n => !float.IsNaN(logits[image * anchors + n]))
                    .OrderByDescending(n => logits[image * anchors + n]).Take(most);
                candidates.AddRange(best.Select(n => Row(BoxCoder.Plain, anchorBoxes, 4 * n, deltas, 4 * (image * anchors + n), logits[image * anchors + n], level)));
                start += levels[level];
            }
            AreEqual(Suppress(candidates, 1e-3f, 0.7f, capacity), found[(image * capacity)..((image + 1) * capacity)]);
        }
    }

    [Theory]
    [InlineData(DeviceType.Cpu)]
    [InlineData(DeviceType.CudaEmulated)]
    public void DetectionsAreTheBestOfEachClassAfterSuppression(DeviceType device)
    {
        const int classes = 3, regions = 10, capacity = 8, images = 2, rows = images * regions;
        var random = new Random(12);
        float[] boxes = [.. Enumerable.Range(0, rows).SelectMany(_ => Box(random))];
        boxes.AsSpan(4 * (regions - 1), 4).Clear(); // an empty place
        float[] scores = [.. Enumerable.Range(0, rows * (classes + 1)).Select(_ => random.NextSingle() * 0.3f)];
        float[] deltas = [.. Enumerable.Range(0, rows * 4 * (classes + 1)).Select(_ => random.NextSingle() * 4 - 2)];
        using var stream = StreamOf(device);
        using var scoreTensor = DeviceTensor.From<float>(stream, scores, rows, classes + 1);
        using var deltaTensor = DeviceTensor.From<float>(stream, deltas, rows, 4 * (classes + 1));
        using var regionTensor = DeviceTensor.From<float>(stream, boxes, rows, 4);
        int[] groups = GroupedBoxesOperation.GroupsOf(ClassBoxesOperation.CandidatesOf(classes, regions));
        using var groupTensor = DeviceTensor.From<int>(stream, groups, groups.Length);
        var tape = new Tape();
        var y = new ClassBoxesOperation(classes, regions, Size, capacity).Record(tape.Input(scoreTensor), tape.Input(deltaTensor), tape.Input(regionTensor), tape.Input(groupTensor))[0];
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        var found = program.Read(y).ToArray<float>(stream).Chunk(6).ToArray();

        for (var image = 0; image < images; image++)
        {
            var candidates = new List<float[]>();
            for (var c = 0; c < classes; c++)
                for (var r = image * regions; r < (image + 1) * regions; r++)
                    if (scores[r * (classes + 1) + c] is > 0.05f and var score)
                        candidates.Add(Row(BoxCoder.Scaled, boxes, 4 * r, deltas, 4 * (r * (classes + 1) + c), score, c));
            AreEqual(Suppress(candidates, 0.01f, 0.5f, capacity), found[(image * capacity)..((image + 1) * capacity)]);
        }
    }

    [Theory]
    [InlineData(DeviceType.Cpu)]
    [InlineData(DeviceType.CudaEmulated)]
    public void RegionsTakeTheirFeaturesFromThePublishedLevels(DeviceType device)
    {
        var random = new Random(13);
        float[] sides = [112, 112, 224, 224, 223.9f, 223.9f, 448, 448, 56, 56, 112, 448, 5000, 5000, 1, 1, 0, 10, .. Enumerable.Range(0, 46).Select(_ => MathF.Pow(2, random.NextSingle() * 10))];
        var count = sides.Length / 2;
        float[] boxes = [.. Enumerable.Range(0, count).SelectMany(i => new[] { 3, 5, 3 + sides[2 * i], 5 + sides[2 * i + 1] })];
        using var stream = StreamOf(device);
        using var regions = DeviceTensor.From<float>(stream, boxes, count, 4);
        var tape = new Tape();
        var levels = new RegionLevelsOperation(4, 2, 224, count / 2).Record(tape.Input(regions));
        using var program = TapeProgram.Inference(stream, levels);
        program.Run();
        var images = levels.Select(l => program.Read(l).ToArray<int>(stream)).ToArray();
        for (var i = 0; i < count; i++)
        {
            var (width, height) = (boxes[4 * i + 2] - boxes[4 * i], boxes[4 * i + 3] - boxes[4 * i + 1]);
            var expected = new[] { -1, -1, -1, -1 };
            if (width > 0) expected[RoiLevels.Of(width, height) - 2] = i / (count / 2);
            Assert.Equal(expected, images.Select(level => level[i]));
        }
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        var tape = new Tape();
        Value Input(params long[] shape) => tape.Input(new TensorSpec(DType.Float32, shape));
        Value Groups(long count) => tape.Input(new TensorSpec(DType.Int32, count));
        var proposals = new ProposalsOperation([4, 2], 3, Size, 5);
        Assert.Equal([2L, 5, 6], proposals.Record(Input(2, 6, 1), Input(2, 6, 4), Input(6, 4), Groups(5))[0].Shape);
        Assert.Throws<ArgumentException>(() => proposals.Record(Input(2, 7, 1), Input(2, 7, 4), Input(7, 4), Groups(5)));
        Assert.Throws<ArgumentException>(() => proposals.Record(Input(2, 6, 1), Input(2, 6, 4), Input(6, 4), Groups(6)));
        Assert.Throws<ArgumentException>(() => new ClassBoxesOperation(3, 4, Size, 5).Record(Input(6, 4), Input(6, 16), Input(6, 4), Groups(12)));
        Assert.Throws<ArgumentException>(() => new RegionLevelsOperation(4, 2, 224, 5).Record(Input(6, 4)));
        Assert.Throws<ArgumentException>(() => new RpnTargetsOperation(8).Record(Input(1, 2, 4), Input(1, 3), Input(5, 4)));
        Assert.Throws<ArgumentException>(() => new RegionSamplesOperation(3, 8).Record(Input(1, 2, 4), Input(1, 2), Input(2, 5, 6)));
    }

    private static DeviceStream StreamOf(DeviceType device)
    {
        if (device == DeviceType.Cpu) return Device.Cpu.CreateStream();
        Assert.SkipUnless(Device.Backends.Any(b => b is { Name: "cuda-emulated", RefusalReason: null }), "the emulated CUDA plug-in was not built");
        return Device.CudaEmulated.CreateStream();
    }

    private static float[] Box(Random random)
    {
        var (x, y) = (random.NextSingle() * 40, random.NextSingle() * 40);
        return [x, y, x + 8 + random.NextSingle() * 16, y + 8 + random.NextSingle() * 16];
    }

    private static float[] Row(BoxCoder coder, float[] from, int at, float[] deltas, int deltasAt, float score, int group)
    {
        var box = new float[4];
        coder.Decode(from.AsSpan(at, 4), deltas.AsSpan(deltasAt, 4), box);
        return [.. box.Select(x => Math.Clamp(x, 0, Size)), score, group];
    }

    private static float[][] Suppress(List<float[]> candidates, float minSide, float threshold, int capacity)
    {
        var kept = new List<float[]>();
        foreach (var row in candidates.Where(r => r[2] - r[0] >= minSide && r[3] - r[1] >= minSide).OrderByDescending(r => r[4]))
            if (kept.TrueForAll(k => k[5] != row[5] || BoxOverlap.Iou(k, row) <= threshold)) kept.Add(row);
        return [.. kept.Take(capacity)];
    }

    private static void AreEqual(float[][] expected, float[][] found)
    {
        Assert.True(expected.Length > 3);
        for (var i = 0; i < found.Length; i++)
            for (var k = 0; k < 6; k++) Assert.Equal(i < expected.Length ? expected[i][k] : 0, found[i][k], 1e-4f);
    }
}
