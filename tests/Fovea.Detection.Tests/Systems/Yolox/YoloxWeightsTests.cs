using System.Globalization;
using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Yolox;

/// <summary>The published weights of YOLOX-Nano in the network that is trained here.</summary>
public sealed class YoloxWeightsTests
{
    [Fact]
    public void TheyFindTheTwoPeople()
    {
        var folder = Path.Combine(SharedData.RepositoryRoot, "..", "shared", "models");
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "yolox_nano.onnx")), "yolox_nano.onnx is not beside the checkout");
        using var stream = Device.Cpu.CreateStream();
        var net = YoloxNet.Nano(new Initializer(stream, 1));
        Load(stream, net, OnnxWeights.Load(Path.Combine(folder, "yolox_nano.onnx")));
        using var system = new YoloxSystem(stream, net, 416);
        system.Train(false);
        // As YOLOX reads images: blue, green, red from 0 to 255.
        var photo = ImageFile.LoadRgb(Path.Combine(folder, "crowd_22.jpg"));
        using var pixels = DeviceTensor.From<byte>(stream, photo.Pixels.ToArray(), 1, photo.Height, photo.Width, 3);
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, 416, 416, 3);
        Kernels.Letterbox(stream, LetterboxOptions.Fit(photo.Width, photo.Height, 416, 416) with { ReverseChannels = true, PadValue = 114 }, pixels, input);
        var rows = system.Detect(new Tape().Input(input));
        using var program = TapeProgram.FusedInference(stream, rows);
        program.Run();
        var found = MemoryMarshal.Cast<float, ObjectDetection>(program.Read(rows).ToArray<float>(stream)).ToArray();
        // Two people fill the photo; nothing else is likely.
        Assert.All(found.TakeWhile(d => d.Score > 0.2f), d => Assert.Equal(0, d.Class));
        Assert.Equal(2, found.Count(d => d.Score > 0.2f));
        Near(0.87, [2, 12, 261, 401], found[0]);
        Near(0.71, [254, 110, 416, 403], found[1]);

        // Decoders of JPEG differ by a shade or two.
        static void Near(double score, double[] box, ObjectDetection d)
        {
            Assert.Equal(score, d.Score, 0.03);
            Assert.Equal(box[0], d.X1, 3.0);
            Assert.Equal(box[1], d.Y1, 3.0);
            Assert.Equal(box[2], d.X2, 3.0);
            Assert.Equal(box[3], d.Y2, 3.0);
        }
    }

    // The exporter numbered the convolutions in the order of the network, which is the order of the parameters here; a normalisation that is in
    // its convolution already is one of scale 1.
    private static void Load(DeviceStream stream, YoloxNet net, OnnxWeights file)
    {
        var tensors = file.Tensors.ToDictionary(t => t.Name);
        var numbered = new Queue<OnnxTensor>(file.Tensors.Where(t => t.Name.StartsWith("onnx::Conv_", StringComparison.Ordinal))
            .OrderBy(t => int.Parse(t.Name.AsSpan("onnx::Conv_".Length), CultureInfo.InvariantCulture)));
        foreach (var parameter in net.Parameters)
        {
            var isPrediction = parameter.Name.Contains("_preds.", StringComparison.Ordinal);
            if (parameter.Name.EndsWith("bn.weight", StringComparison.Ordinal)) continue;
            var tensor = isPrediction ? tensors[parameter.Name] : numbered.Dequeue();
            var values = tensor.ToFloats();
            if (parameter.Spec.Rank == 4) values = ChannelsLast(values, tensor.Shape);
            Assert.Equal(parameter.Spec.ElementCount, values.Length);
            parameter.Value.CopyFrom<float>(stream, values);
        }
        Assert.Empty(numbered);
        foreach (var (_, buffer) in net.Buffers) buffer.Fill(stream, 0);
        foreach (var (_, buffer) in net.Buffers.Where(b => b.Name.EndsWith("running_var", StringComparison.Ordinal))) Kernels.Affine(stream, 0, 1 - 1e-3f, buffer, buffer);
    }

    private static float[] ChannelsLast(float[] values, ReadOnlySpan<long> shape)
    {
        var (channels, area) = ((int)shape[1], (int)(shape[2] * shape[3]));
        var turned = new float[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (filter, channel, tap) = (i / (channels * area), i / area % channels, i % area);
            turned[(filter * area + tap) * channels + channel] = values[i];
        }
        return turned;
    }
}
