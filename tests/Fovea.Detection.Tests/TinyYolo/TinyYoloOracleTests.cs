using Fovea.Models.TinyYolo;

namespace Fovea.Detection.Tests.TinyYolo;

/// <summary>Raw outputs against those of TensorFlow.js with the same weights.</summary>
public sealed class TinyYoloOracleTests
{
    private static readonly float[] Mean = [117.001f, 114.697f, 97.404f];

    [Theory]
    [InlineData("sample1")]
    [InlineData("sample6")]
    public void NetworkMatches(string sample)
    {
        string oracle = SharedData.Oracle($"tiny_face_detector/{sample}");
        var store = SharedData.Installed("tiny-yolov2-face");
        using var stream = Device.Cpu.CreateStream();
        using var net = TinyYoloFaceNet.Load(stream, store);
        float[] input = NpyFile.Load(Path.Combine(oracle, "input_rgb_0_255_1x416x416x3.npy")).Floats.ToArray();
        for (int i = 0; i < input.Length; i++) input[i] = (input[i] - Mean[i % 3]) / 255;
        using var x = DeviceTensor.From<float>(stream, input, 1, TinyYoloFaceNet.InputSize, TinyYoloFaceNet.InputSize, 3);
        using var y = net.Forward(stream, x);
        Assert.Equal([1, TinyYoloFaceNet.Cells, TinyYoloFaceNet.Cells, TinyYoloFaceNet.Anchors.Length * TinyYoloFaceNet.Outputs], y.Shape.ToArray());
        // Sums of another order: two runtimes of such networks differ by 2e-6 of the largest value, a few times that is allowed.
        OracleTensors.AssertWithinShare(1e-5f, OracleTensors.Load(oracle, "raw_out").Floats, y.ToArray<float>(stream));
    }
}
