using System.Text.Json;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Overlaps and losses against numbers in the tests of torchvision, torchmetrics, detectron2 and mmcv.</summary>
public sealed class PublicBoxTests
{
    private static readonly Dictionary<string, (Overlap Overlap, bool PlusOne)> Measures = new()
    {
        ["iou"] = (Overlap.Union, false),
        ["giou"] = (Overlap.Giou, false),
        ["diou"] = (Overlap.Diou, false),
        ["ciou"] = (Overlap.Ciou, false),
        ["iou legacy (+1 widths)"] = (Overlap.Union, true),
    };

    [Fact]
    public void OverlapMatricesAreThePublishedOnes()
    {
        using var stream = Device.Cpu.CreateStream();
        var done = 0;
        foreach (var vector in PublicVectors.ReadOrSkip("boxes.json"))
        {
            if (!Measures.TryGetValue(vector.GetProperty("op").GetString()!, out var measure)) continue;
            var expected = vector.GetProperty("expected").Floats();
            var actual = Overlaps(stream, vector, measure.Overlap, measure.PlusOne);
            // mmcv states 1 % for numbers that it prints with 8 digits; ours are as good as they are.
            var tolerance = vector.TryGetProperty("atol", out var atol) ? atol.GetDouble() : 1e-6;
            PublicVectors.AssertClose(expected, actual, tolerance, vector.GetProperty("name").GetString()!);
            // The other width convention gives other numbers.
            if (measure.PlusOne) Assert.True(Math.Abs(expected[0] - Overlaps(stream, vector, measure.Overlap, false)[0]) > 0.05);
            done++;
        }
        Assert.True(done >= 11, $"only {done} cases of boxes.json were run");
    }

    /// <summary>mmcv gives angles in radians, clockwise on the screen; detectron2's have no turn here.</summary>
    [Theory]
    [InlineData("mmcv_iou_rotated", 1e-4)]
    [InlineData("d2_iou_rotated_precision", 1e-6)]
    public void OverlapsOfTurnedBoxesAreThePublishedOnes(string name, double tolerance)
    {
        using var stream = Device.Cpu.CreateStream();
        var vector = PublicVectors.ReadOrSkip("boxes.json").Single(c => c.GetProperty("name").GetString() == name);
        var (first, second) = (vector.GetProperty("boxes1"), vector.GetProperty("boxes2"));
        using var a = DeviceTensor.From<float>(stream, first.Floats(), first.Shape());
        using var b = DeviceTensor.From<float>(stream, second.Floats(), second.Shape());
        using var y = DeviceTensor.Allocate(stream, DType.Float32, a.Shape[0], b.Shape[0]);
        Kernels.RotatedOverlaps(stream, a, b, y);
        PublicVectors.AssertClose(vector.GetProperty("expected").Floats(), y.ToArray<float>(stream), tolerance, name);
    }

    [Theory]
    [InlineData("tv_giou_loss", Overlap.Giou)]
    [InlineData("tv_ciou_loss", Overlap.Ciou)]
    public void BoxLossesAreTorchvisions(string name, Overlap overlap)
    {
        using var stream = Device.Cpu.CreateStream();
        var vector = PublicVectors.ReadOrSkip("boxes.json").Single(c => c.GetProperty("name").GetString() == name);
        var pairs = vector.GetProperty("pairs").EnumerateArray().ToArray();
        var batch = vector.GetProperty("batched");
        var losses = Losses(stream, overlap, [.. pairs.SelectMany(p => p[0].Floats())], [.. pairs.SelectMany(p => p[1].Floats())]);
        PublicVectors.AssertClose(vector.GetProperty("expected").Floats(), losses, 1e-4, name);
        var batched = Losses(stream, overlap, batch.GetProperty("boxes1").Floats(), batch.GetProperty("boxes2").Floats());
        Assert.Equal(batch.GetProperty("sum").GetDouble(), batched.Sum(v => (double)v), 1e-4);
        Assert.Empty(Losses(stream, overlap, [], []));
    }

    /// <summary>mmcv's sigmoid focal loss of class numbers; it sums over classes and divides by the rows.</summary>
    [Fact]
    public void FocalLossIsMmcvs()
    {
        using var stream = Device.Cpu.CreateStream();
        var done = 0;
        foreach (var vector in PublicVectors.ReadOrSkip("focal_loss.json"))
        {
            if (vector.GetProperty("op").GetString() != "sigmoid_focal_loss") continue;
            var options = PointwiseLossOptions.Focal(vector.GetProperty("alpha").GetSingle(), vector.GetProperty("gamma").GetSingle());
            var shape = vector.GetProperty("logits").Shape();
            var targets = new float[shape[0] * shape[1]];
            foreach (var (row, label) in vector.GetProperty("targets").EnumerateArray().Index()) targets[row * shape[1] + label.GetInt32()] = 1;
            using var x = DeviceTensor.From<float>(stream, vector.GetProperty("logits").Floats(), shape);
            using var target = DeviceTensor.From<float>(stream, targets, shape);
            using var losses = DeviceTensor.Allocate(stream, DType.Float32, shape);
            using var dLosses = DeviceTensor.From<float>(stream, [.. targets.Select(_ => 1f / shape[0])], shape);
            Kernels.PointwiseLoss(stream, options, x, target, losses);
            Assert.Equal(vector.GetProperty("expected_loss").GetDouble(), losses.ToArray<float>(stream).Sum(v => (double)v) / shape[0], 1e-6);
            Kernels.PointwiseLossBackward(stream, options, x, target, dLosses, x);
            PublicVectors.AssertClose(vector.GetProperty("expected_grad").Floats(), x.ToArray<float>(stream), 1e-6, "gradient");
            done++;
        }
        Assert.True(done >= 2, $"only {done} cases of focal_loss.json were run");
    }

    [Fact]
    public void BadArgumentsAreNamed()
    {
        using var stream = Device.Cpu.CreateStream();
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, 2, 4);
        using var losses = DeviceTensor.Allocate(stream, DType.Float32, 2);
        void Refused(string message, Action call) => Assert.Contains(message, Assert.Throws<DeviceException>(call).Message, StringComparison.Ordinal);
        Refused("box_loss: the overlap MIN is no loss", () => Kernels.BoxLoss(stream, new BoxLossOptions { Overlap = Overlap.Min }, boxes, boxes, losses));
        Refused("box_loss: SIOU takes no power", () => Kernels.BoxLoss(stream, new BoxLossOptions { Overlap = Overlap.Siou, Power = 3 }, boxes, boxes, losses));
        Refused("rotated_overlaps: boxes must be [N][5]", () => Kernels.RotatedOverlaps(stream, boxes, boxes, boxes));
        Refused("pointwise_loss: gamma is -1", () => Kernels.PointwiseLoss(stream, PointwiseLossOptions.Focal(gamma: -1), boxes, boxes, boxes));
        Refused("pointwise_loss: x is [2, 4] f32 but target is [2] f32", () => Kernels.PointwiseLoss(stream, PointwiseLossOptions.Bce, boxes, losses, boxes));
    }

    private static float[] Overlaps(DeviceStream stream, JsonElement vector, Overlap overlap, bool plusOne)
    {
        var (first, second) = (vector.GetProperty("boxes1"), vector.GetProperty("boxes2"));
        using var a = DeviceTensor.From<float>(stream, first.Floats(), first.Shape());
        using var b = DeviceTensor.From<float>(stream, second.Floats(), second.Shape());
        using var y = DeviceTensor.Allocate(stream, DType.Float32, a.Shape[0], b.Shape[0]);
        Kernels.BoxOverlaps(stream, a, b, y, overlap, plusOne);
        return y.ToArray<float>(stream);
    }

    private static float[] Losses(DeviceStream stream, Overlap overlap, float[] boxes, float[] targets)
    {
        using var a = DeviceTensor.From<float>(stream, boxes, boxes.Length / 4, 4);
        using var b = DeviceTensor.From<float>(stream, targets, targets.Length / 4, 4);
        using var losses = DeviceTensor.Allocate(stream, DType.Float32, boxes.Length / 4);
        Kernels.BoxLoss(stream, new BoxLossOptions { Overlap = overlap }, a, b, losses);
        return losses.ToArray<float>(stream);
    }
}
