using Fovea.Models.CenterNet;
using static Fovea.Detection.Tests.OracleTensors;

namespace Fovea.Detection.Tests.CenterNet;

/// <summary>Outputs against those of TensorFlow.js with the same weights.</summary>
public sealed class CenterNetOracleTests
{
    // Two runtimes differ by 1.3e-6 on the heat map and by 2.8e-3 on edges up to 266; sums of another order may be a few times as far away.
    private const float HeatTolerance = 5e-6f, EdgeTolerance = 1e-2f;

    [Fact]
    public void NetworkMatches()
    {
        string oracle = SharedData.Oracle("centernet/dog");
        using var stream = Device.Cpu.CreateStream();
        using var net = CenterNetNet.Load(stream, SharedData.Installed("centernet"));
        using var x = DeviceTensor.From(stream, Load(oracle, "input_1x512x512x3").Floats, 1, 512, 512, 3);
        using var heat = DeviceTensor.Allocate(stream, DType.Float32, 1, 128, 128, 80);
        using var edges = DeviceTensor.Allocate(stream, DType.Float32, 1, 128, 128, 4);
        net.Forward(stream, x, heat, edges);
        AssertWithin(HeatTolerance, Load(oracle, "keypoints").Floats, heat.ToArray<float>(stream));
        AssertWithin(EdgeTolerance, Load(oracle, "wh").Floats, edges.ToArray<float>(stream));
    }

    /// <summary>The graph's own decoding of its outputs: the hundred best peaks.</summary>
    [Fact]
    public void PeaksAreThoseOfTheGraph()
    {
        string oracle = SharedData.Oracle("centernet/dog");
        using var stream = Device.Cpu.CreateStream();
        using var heat = DeviceTensor.From(stream, Load(oracle, "keypoints").Floats, 128, 128, 80);
        using var edges = DeviceTensor.From(stream, Load(oracle, "wh").Floats, 128, 128, 4);
        using var rows = DeviceTensor.Allocate(stream, DType.Float32, 100, 6);
        using var count = DeviceTensor.From<int>(stream, [0], 1);
        using var corners = DeviceTensor.From<float>(stream, new float[128 * 128 * 2], 128, 128, 2);
        Kernels.PeakBoxes(stream, CenterNetSession.Peaks(threshold: 0), heat, edges, corners, rows, count);
        Assert.Equal([100], count.ToArray<int>(stream));
        // Row by row: a coordinate is a product and a sum in either program.
        AssertWithin(1e-4f, Load(oracle, "detections").Floats, rows.ToArray<float>(stream));
    }

    /// <summary>The picture is the oracle's input in whole levels, so values may be off by half a level.</summary>
    [Fact]
    public void SessionFindsTheSameObjects()
    {
        string oracle = SharedData.Oracle("centernet/dog");
        using var model = CenterNetModel.Load(Device.Cpu, SharedData.Installed("centernet"));
        using var session = new CenterNetSession(model, new CenterNetOptions { Threshold = 0.33f });
        byte[] picture = Array.ConvertAll(Load(oracle, "input_1x512x512x3").Floats.ToArray(), v => (byte)Math.Clamp(MathF.Round(v), 0, 255));
        var found = new ObjectDetection[16];
        int count = session.Detect(picture, 512, 512, found);
        var expected = Load(oracle, "detections").Floats;
        string[] names = ["car", "bicycle", "dog"];
        Assert.Equal(names.Length, count);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(names[i], CenterNetModel.ClassNames[found[i].Class]);
            Assert.Equal((int)expected[6 * i + 5], found[i].Class);
            Assert.Equal(expected[6 * i + 4], found[i].Score, 0.02f);
            // A hundredth of the input's side.
            Assert.Equal(expected[6 * i], found[i].X1, 5f);
            Assert.Equal(expected[6 * i + 1], found[i].Y1, 5f);
            Assert.Equal(expected[6 * i + 2], found[i].X2, 5f);
            Assert.Equal(expected[6 * i + 3], found[i].Y2, 5f);
        }
    }
}
