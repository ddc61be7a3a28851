using System.Text.Json;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Suppression against results that mmcv publishes with its tests. Rotated boxes are another operation.</summary>
public sealed class PublicSuppressionTests
{
    [Fact]
    public void GreedyAndClusterKeepThePublishedBoxes()
    {
        using var stream = Device.Cpu.CreateStream();
        var vector = Find("nms.json", "mmcv_nms");
        AssertKept(stream, vector, vector.GetProperty("iou_threshold").GetSingle(), null);
        var batched = Find("mmcv_batched_nms.json", "mmcv_batched_nms");
        AssertKept(stream, batched, batched.GetProperty("iou_threshold").GetSingle(), Ints(batched, "idxs"));
    }

    [Fact]
    public void GroupsOfSuppressionAreThePublishedOnes()
    {
        using var stream = Device.Cpu.CreateStream();
        var vector = Find("nms.json", "mmcv_nms_match");
        var rows = vector.GetProperty("dets").Floats();
        var n = rows.Length / 5;
        using var table = DeviceTensor.From<float>(stream, rows, n, 5);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, n, 4);
        using var yScores = DeviceTensor.Allocate(stream, DType.Float32, n);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var options = new WeightedNmsOptions { IouThreshold = vector.GetProperty("iou_threshold").GetSingle() };
        Kernels.WeightedNms(stream, options, table.Columns(0, 4), table.Columns(4, 1), null, null, y, yScores, null, count);
        Assert.Equal(vector.GetProperty("expected_groups").GetInt32(), count.ToArray<int>(stream)[0]);
    }

    [Theory]
    [InlineData("mmcv_softnms_linear", SoftNmsMethod.SoftLinear)]
    [InlineData("mmcv_softnms_naive", SoftNmsMethod.Cluster)] // scores of suppressed boxes become 0: what greedy suppression keeps
    public void SoftSuppressionGivesThePublishedScores(string name, SoftNmsMethod method)
    {
        using var stream = Device.Cpu.CreateStream();
        var vector = Find("nms.json", name);
        var options = new SoftNmsOptions
        {
            Method = method,
            IouThreshold = vector.GetProperty("iou_threshold").GetSingle(),
            ScoreThreshold = vector.GetProperty("min_score").GetSingle(),
        };
        var (keep, scores) = Soft(stream, options, vector, null);
        Assert.Equal(Ints(vector, "expected_inds"), keep);
        var published = vector.GetProperty("expected_dets").Floats().Where((_, i) => i % 5 == 4).ToArray();
        PublicVectors.AssertClose(published, scores, vector.GetProperty("rtol").GetDouble(), name);
    }

    private static void AssertKept(DeviceStream stream, JsonElement vector, float threshold, int[]? labels)
    {
        var expected = Ints(vector, "expected_keep");
        using var boxes = Boxes(stream, vector);
        using var scores = DeviceTensor.From<float>(stream, vector.GetProperty("scores").Floats(), boxes.Shape[0]);
        using var classes = labels is null ? null : DeviceTensor.From<int>(stream, labels, labels.Length);
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, boxes.Shape[0]);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.Nms(stream, new NmsOptions { IouThreshold = threshold }, boxes, scores, classes, null, keep, count);
        Assert.Equal(expected, keep.ToArray<int>(stream)[..count.ToArray<int>(stream)[0]]);
        var cluster = new SoftNmsOptions { Method = SoftNmsMethod.Cluster, IouThreshold = threshold, ScoreThreshold = float.NegativeInfinity };
        Assert.Equal(expected, Soft(stream, cluster, vector, labels).Keep);
    }

    private static (int[] Keep, float[] Scores) Soft(DeviceStream stream, SoftNmsOptions options, JsonElement vector, int[]? labels)
    {
        using var boxes = Boxes(stream, vector);
        using var scores = DeviceTensor.From<float>(stream, vector.GetProperty("scores").Floats(), boxes.Shape[0]);
        using var classes = labels is null ? null : DeviceTensor.From<int>(stream, labels, labels.Length);
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, boxes.Shape[0]);
        using var keepScores = DeviceTensor.Allocate(stream, DType.Float32, boxes.Shape[0]);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.SoftNms(stream, options, boxes, scores, classes, null, keep, keepScores, count);
        var kept = count.ToArray<int>(stream)[0];
        return (keep.ToArray<int>(stream)[..kept], keepScores.ToArray<float>(stream)[..kept]);
    }

    private static DeviceTensor Boxes(DeviceStream stream, JsonElement vector)
    {
        var boxes = vector.GetProperty("boxes");
        return DeviceTensor.From<float>(stream, boxes.Floats(), boxes.GetArrayLength(), 4);
    }

    private static int[] Ints(JsonElement vector, string name) => [.. vector.GetProperty(name).EnumerateArray().Select(e => e.GetInt32())];

    private static JsonElement Find(string file, string name) =>
        PublicVectors.ReadOrSkip(file).Single(c => c.GetProperty("name").GetString() == name);
}
