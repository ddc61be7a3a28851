using System.Text.Json;
using Fovea.Data;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection.Tests;

/// <summary>The three networks and the whole cascade against tensors that another runtime computed from the same weights.
/// The stored tensors have the image axes swapped ([x][y]), as the networks were trained.</summary>
public sealed class MtcnnOracleTests
{
    private const string Sample = "mtcnn/sample1";

    // Two runtimes of the same f32 network differ by 2e-6 here; 1e-4 is the promise.
    private const float Tolerance = 1e-4f;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void ProposalNetMatches(int level)
    {
        string oracle = SharedData.Oracle(Sample);
        using var model = SharedData.Mtcnn();
        using var stream = Device.Cpu.CreateStream();
        var input = NpyFile.Load(Path.Combine(oracle, $"pnet_l{level}_input.npy"));
        using var x = DeviceTensor.From<float>(stream, input.SwapMiddleAxes(), 1, input.Shape[2], input.Shape[1], 3);
        using var y = model.Proposal.Forward(stream, x);
        var prob = NpyFile.Load(Path.Combine(oracle, $"pnet_l{level}_prob.npy"));
        Assert.Equal([1, prob.Shape[2], prob.Shape[1], 6], y.Shape.ToArray());
        AssertColumns(y, 0, 2, prob.SwapMiddleAxes());
        AssertColumns(y, 2, 4, NpyFile.Load(Path.Combine(oracle, $"pnet_l{level}_reg.npy")).SwapMiddleAxes());
    }

    [Fact]
    public void RefinementNetMatches()
    {
        string oracle = SharedData.Oracle(Sample);
        using var model = SharedData.Mtcnn();
        using var stream = Device.Cpu.CreateStream();
        using var x = Crops(stream, Path.Combine(oracle, "rnet_input.npy"));
        using var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], RefinementNet.Outputs);
        model.Refinement.Forward(stream, x, y);
        AssertColumns(y, 0, 2, NpyFile.Load(Path.Combine(oracle, "rnet_prob1.npy")).Floats);
        AssertColumns(y, 2, 4, NpyFile.Load(Path.Combine(oracle, "rnet_conv5-2.npy")).Floats);
    }

    [Fact]
    public void OutputNetMatches()
    {
        string oracle = SharedData.Oracle(Sample);
        using var model = SharedData.Mtcnn();
        using var stream = Device.Cpu.CreateStream();
        using var x = Crops(stream, Path.Combine(oracle, "onet_input.npy"));
        using var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], OutputNet.Outputs);
        model.Output.Forward(stream, x, y);
        AssertColumns(y, 0, 2, NpyFile.Load(Path.Combine(oracle, "onet_prob1.npy")).Floats);
        AssertColumns(y, 2, 4, NpyFile.Load(Path.Combine(oracle, "onet_conv6-2.npy")).Floats);
        AssertColumns(y, 6, 10, NpyFile.Load(Path.Combine(oracle, "onet_conv6-3.npy")).Floats);
    }

    /// <summary>The stored faces come from a cascade with bilinear resampling, 0-based pixels and rounding; the same settings give
    /// the same faces.</summary>
    [Fact]
    public void CascadeFindsTheStoredFaces()
    {
        var expected = StoredFaces();
        var faces = Detect(new MtcnnOptions { MinFace = 40 });
        Assert.Equal(expected.Count, faces.Length);
        foreach (var (box, points) in expected)
        {
            var best = faces.MaxBy(f => Iou(f, box));
            Assert.True(Iou(best, box) >= 0.995, $"no face at {string.Join(' ', box)}: best IoU {Iou(best, box):F3}");
            for (int i = 0; i < FaceLandmarks.Count; i++)
            {
                Assert.Equal(points[i], best.Landmarks[i].X, 0.5);
                Assert.Equal(points[i + 5], best.Landmarks[i].Y, 0.5);
            }
        }
    }

    /// <summary>Other conventions see slightly other crops, and which of several overlapping boxes of one face wins is decided in the
    /// sixth digit of a saturated score: the same faces, boxes that overlap well.</summary>
    [Theory]
    [InlineData(ResizeMode.Area, MtcnnConvention.ZeroBased)]
    [InlineData(ResizeMode.Area, MtcnnConvention.Facenet)]
    [InlineData(ResizeMode.Bilinear, MtcnnConvention.Facenet)]
    public void OtherConventionsFindTheSameFaces(ResizeMode resampling, MtcnnConvention convention)
    {
        var expected = StoredFaces();
        var faces = Detect(new MtcnnOptions { MinFace = 40, Resampling = resampling, Convention = convention });
        Assert.Equal(expected.Count, faces.Length);
        foreach (var (box, _) in expected) Assert.Contains(faces, f => Iou(f, box) >= 0.8);
    }

    private static FaceDetection[] Detect(MtcnnOptions options)
    {
        var image = NpyFile.Load(Path.Combine(SharedData.Oracle(Sample), "image_rgb_u8.npy"));
        using var model = SharedData.Mtcnn();
        using var session = new MtcnnSession(model, options);
        var faces = new FaceDetection[16];
        return faces[..session.Detect(image.Bytes, image.Shape[^2], image.Shape[^3], faces)];
    }

    private static List<(float[] Box, float[] Points)> StoredFaces()
    {
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedData.Oracle(Sample), "meta.json")));
        return [.. meta.RootElement.GetProperty("faces").EnumerateArray().Select(f => (Floats(f.GetProperty("box")), Floats(f.GetProperty("landmarks_x5_y5"))))];
    }

    private static float[] Floats(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetSingle())];

    private static DeviceTensor Crops(DeviceStream stream, string path)
    {
        var input = NpyFile.Load(path);
        return DeviceTensor.From<float>(stream, input.SwapMiddleAxes(), input.Shape[0], input.Shape[2], input.Shape[1], 3);
    }

    private static void AssertColumns(DeviceTensor y, int start, int count, ReadOnlySpan<float> expected)
    {
        var actual = y.AsSpan<float>();
        int columns = (int)y.Shape[^1];
        Assert.Equal(expected.Length / count, actual.Length / columns);
        for (int i = 0; i < expected.Length; i++)
        {
            float value = actual[i / count * columns + start + i % count];
            Assert.True(Math.Abs(value - expected[i]) <= Tolerance, $"row {i / count}, column {start + i % count}: {value} is not {expected[i]}");
        }
    }

    private static double Iou(FaceDetection face, float[] box)
    {
        double w = Math.Max(0, Math.Min(face.X2, box[2]) - Math.Max(face.X1, box[0]));
        double h = Math.Max(0, Math.Min(face.Y2, box[3]) - Math.Max(face.Y1, box[1]));
        double union = (face.X2 - face.X1) * (face.Y2 - face.Y1) + (box[2] - box[0]) * (box[3] - box[1]) - w * h;
        return w * h / union;
    }
}
