using System.Text.Json;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Region kernels against results that other projects publish with their tests.</summary>
public sealed class PublicRegionTests
{
    [Fact]
    public void CornerPoolGivesThePublishedMaxima()
    {
        using var stream = Device.Cpu.CreateStream();
        var cases = PublicVectors.ReadOrSkip("corner_pool.json");
        foreach (var vector in cases)
        {
            var name = vector.GetProperty("name").GetString()!;
            var shape = vector.GetProperty("input").Shape();
            using var x = DeviceTensor.From<float>(stream, vector.GetProperty("input").Floats(), 1, shape[0], shape[1], 1);
            using var y = DeviceTensor.Allocate(stream, DType.Float32, 1, shape[0], shape[1], 1);
            Kernels.CornerPool(stream, Enum.Parse<Corner>(name, ignoreCase: true), x, y);
            Assert.Equal(vector.GetProperty("expected").Floats(), y.ToArray<float>(stream));
        }
        Assert.NotEmpty(cases);
    }

    /// <summary>Outputs of mmcv and detectron2, and mmcv's gradients of their sum. Rotated boxes are another operation.</summary>
    [Fact]
    public void RoiAlignGivesThePublishedBins()
    {
        using var stream = Device.Cpu.CreateStream();
        var done = 0;
        foreach (var vector in PublicVectors.ReadOrSkip("roi.json"))
        {
            var op = vector.GetProperty("op").GetString();
            if (op == "roi_align_rotated" || !vector.TryGetProperty("input", out var input)) continue;
            var options = op == "roi_pool"
                ? new RoiAlignOptions { Mode = RoiMode.Pool, SpatialScale = vector.GetProperty("spatial_scale").GetSingle() }
                : new RoiAlignOptions
                {
                    SpatialScale = vector.GetProperty("spatial_scale").GetSingle(),
                    SamplingRatio = vector.GetProperty("sampling_ratio").GetInt32(),
                    Aligned = vector.GetProperty("aligned").GetBoolean(),
                };
            CheckRois(stream, options, vector, input);
            done++;
        }
        Assert.True(done >= 5, $"only {done} cases of roi.json were run");
    }

    private static void CheckRois(DeviceStream stream, RoiAlignOptions options, JsonElement vector, JsonElement input)
    {
        var name = vector.GetProperty("name").GetString()!;
        var rows = vector.GetProperty("rois_b_xyxy").EnumerateArray().Select(r => r.Floats()).ToArray();
        using var x = PublicVectors.Images(stream, input);
        using var boxes = DeviceTensor.From<float>(stream, [.. rows.SelectMany(r => r[1..])], rows.Length, 4);
        using var images = DeviceTensor.From<int>(stream, [.. rows.Select(r => (int)r[0])], rows.Length);
        var expected = vector.GetProperty("expected");
        var shape = expected.Shape();
        using var y = DeviceTensor.Allocate(stream, DType.Float32, shape[0], shape[2], shape[3], shape[1]);
        Kernels.RoiAlign(stream, options, x, boxes, images, y);
        PublicVectors.AssertClose(PublicVectors.ChannelsLast(expected.Floats(), shape), y.ToArray<float>(stream), 1e-6, name);
        if (!vector.TryGetProperty("expected_grad_input_for_ones", out var gradient)) return;
        using var dy = DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, (int)(shape[0] * shape[1] * shape[2] * shape[3])).ToArray(), shape[0], shape[2], shape[3], shape[1]);
        using var dx = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        Kernels.RoiAlignBackward(stream, options, x, boxes, images, dy, dx);
        PublicVectors.AssertClose(PublicVectors.ChannelsLast(gradient.Floats(), gradient.Shape()), dx.ToArray<float>(stream), 1e-6, name);
    }
}
