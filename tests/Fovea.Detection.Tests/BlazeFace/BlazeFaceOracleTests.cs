using Fovea.Data;
using Fovea.Models.BlazeFace;
using static Fovea.Detection.Tests.OracleTensors;

namespace Fovea.Detection.Tests.BlazeFace;

/// <summary>Raw outputs against those of other runtimes with the same weights.</summary>
public sealed class BlazeFaceOracleTests
{
    // Two runtimes differ by 2e-6 of the largest value on the short-range network and by 7e-5 on values up to 43 on the full-range one; sums
    // of another order may be a few times as far away. 1e-5 of the largest value covers both.
    private const float Tolerance = 1e-5f;

    [Fact]
    public void ShortRangeMatchesTflite() => Check("face_detection_short_range/sample1", "short_range.tflite", (s, m) => new ShortRangeNet(s, m));

    [Fact]
    public void FullRangeMatchesTflite() => Check("face_detection_full_range/sample1", "full_range.tflite", (s, m) => new FullRangeNet(s, m));

    /// <summary>The same weights as TensorFlow.js sees them: the file of the front camera is the short-range one.</summary>
    [Fact]
    public void ShortRangeMatchesTensorFlowJs()
    {
        string oracle = SharedData.Oracle("blazeface-front/sample1");
        var store = SharedData.Installed("blazeface");
        CheckMaps(oracle, s => new ShortRangeNet(s, store.LoadTflite("blazeface", "short_range.tflite")));
    }

    [Fact]
    public void BackCameraMatchesTensorFlowJs()
    {
        string oracle = SharedData.Oracle("blazeface-back/sample1");
        var store = SharedData.Installed("blazeface-back");
        CheckMaps(oracle, s => new BackCameraNet(s, store.LoadTfjs("blazeface-back", "blazeface.json")));
    }

    [Fact]
    public void AnotherFileIsRefused()
    {
        var store = SharedData.Installed("blazeface");
        using var stream = Device.Cpu.CreateStream();
        var error = Assert.Throws<InvalidDataException>(() => new ShortRangeNet(stream, store.LoadTflite("blazeface", "full_range.tflite")));
        Assert.Contains("blazeface/full_range.tflite: convolution 0 is Conv2D", error.Message);
        Assert.Throws<InvalidDataException>(() => new FullRangeNet(stream, store.LoadTflite("blazeface", "full_range_sparse.tflite")));
        var other = SharedData.Installed("tiny-yolov2-face").LoadTfjs("tiny-yolov2-face", "tiny_face_detector_model-weights_manifest.json");
        Assert.Contains("there is no weight 'unknown'", Assert.Throws<InvalidDataException>(() => new BackCameraNet(stream, other)).Message);
    }

    // Both maps of TensorFlow.js's outputs are one table here.
    private static void CheckMaps(string oracle, Func<DeviceStream, BlazeFaceNet> create)
    {
        var (regressors, scores) = Run(oracle, create);
        float[] expectedScores = [.. Load(oracle, "Identity").Floats, .. Load(oracle, "Identity_1").Floats];
        float[] expectedRegressors = [.. Load(oracle, "Identity_2").Floats, .. Load(oracle, "Identity_3").Floats];
        AssertWithinShare(Tolerance, expectedScores, scores);
        AssertWithinShare(Tolerance, expectedRegressors, regressors);
    }

    private static void Check(string sample, string file, Func<DeviceStream, TfliteModel, BlazeFaceNet> create)
    {
        string oracle = SharedData.Oracle(sample);
        var store = SharedData.Installed("blazeface");
        var (regressors, scores) = Run(oracle, s => create(s, store.LoadTflite("blazeface", file)));
        AssertWithinShare(Tolerance, Load(oracle, "regressors").Floats, regressors);
        AssertWithinShare(Tolerance, Load(oracle, "classificators").Floats, scores);
    }

    private static (float[] Regressors, float[] Scores) Run(string oracle, Func<DeviceStream, BlazeFaceNet> create)
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = create(stream);
        var input = NpyFile.Load(Directory.GetFiles(oracle, "input_*.npy").Single());
        using var x = DeviceTensor.From<float>(stream, input.Floats, 1, net.InputSize, net.InputSize, 3);
        using var regressors = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, BlazeFaceNet.Outputs);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, 1);
        net.Forward(stream, x, regressors, scores);
        return (regressors.ToArray<float>(stream), scores.ToArray<float>(stream));
    }
}
