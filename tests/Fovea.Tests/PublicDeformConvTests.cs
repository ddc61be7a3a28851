using System.Text.Json;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Deformable convolution against published outputs and gradients. All cases have one channel in and out.</summary>
public sealed class PublicDeformConvTests
{
    private static JsonElement Case(string name, string file = "deform_conv.json") =>
        PublicVectors.ReadOrSkip(file).Single(c => c.GetProperty("name").GetString() == name);

    [Fact]
    public void HalfCellOffsetsGiveDetectron2sOutput()
    {
        var vector = Case("d2_dcn_v1_offset_half");
        using var run = new Run(vector.GetProperty("input").Floats(), 5, 3, 1, Enumerable.Repeat(0.5f, 25 * 18), null, Enumerable.Repeat(1f, 9));
        PublicVectors.AssertClose(vector.GetProperty("expected").Floats(), run.Forward(), 1e-6, "output");
    }

    /// <summary>mmcv's layer predicts the offsets by a convolution of the same input, so its gradients go through both.</summary>
    [Fact]
    public void PredictedOffsetsGiveMmcvsGradients()
    {
        var vector = Case("mmcv_dcn_pack");
        var input = vector.GetProperty("input").Floats();
        float[][] predictor = [.. vector.GetProperty("offset_conv_weight_8x1x2x2").EnumerateArray().Select(w => w.Floats())];
        var bias = vector.GetProperty("offset_conv_bias").Floats();
        var offsets = from pixel in Enumerable.Range(0, 4)
                      from channel in Enumerable.Range(0, 8)
                      select bias[channel] + Enumerable.Range(0, 4).Sum(tap => predictor[channel][tap] * input[Cell(pixel, tap)]);
        using var run = new Run(input, 3, 2, 0, offsets, null, vector.GetProperty("weight_1x1x2x2").Floats());
        PublicVectors.AssertClose(vector.GetProperty("expected").Floats(), run.Forward(), 1e-3, "output");
        var gradients = run.Backward(Enumerable.Repeat(1f, 4));
        var (dx, predictorGradient, biasGradient) = ((float[])gradients.X.Clone(), new float[32], new float[8]);
        for (var pixel = 0; pixel < 4; pixel++)
            for (var channel = 0; channel < 8; channel++)
            {
                var g = gradients.Offsets[pixel * 8 + channel];
                biasGradient[channel] += g;
                for (var tap = 0; tap < 4; tap++)
                {
                    dx[Cell(pixel, tap)] += g * predictor[channel][tap];
                    predictorGradient[channel * 4 + tap] += g * input[Cell(pixel, tap)];
                }
            }
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_input").Floats(), dx, 1e-3, "input");
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_weight").Floats(), gradients.Weights, 1e-3, "weights");
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_offset_conv_bias").Floats(), biasGradient, 1e-3, "predictor's bias");
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_offset_conv_weight").Floats(), predictorGradient, 1e-3, "predictor");

        static int Cell(int pixel, int tap) => (pixel / 2 + tap / 2) * 3 + pixel % 2 + tap % 2;
    }

    /// <summary>mmcv's modulated layer with a predictor of zeros: offsets 0, mask sigmoid(0). Every sample lies on a cell's border.</summary>
    [Fact]
    public void MasksGiveMmcvsGradients()
    {
        var vector = Case("mmcv_mdcn_pack");
        using var run = new Run(vector.GetProperty("input").Floats(), 3, 2, 1, new float[16 * 8], Enumerable.Repeat(0.5f, 16 * 4), Enumerable.Repeat(1f, 4));
        PublicVectors.AssertClose(vector.GetProperty("expected").Floats(), run.Forward(), 1e-6, "output");
        var gradients = run.Backward(Enumerable.Repeat(1f, 16));
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_input").Floats(), gradients.X, 1e-6, "input");
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_weight").Floats(), gradients.Weights, 1e-6, "weights");
        // The predictor's last four channels are the mask's; a sigmoid's slope at 0 is a quarter.
        float[] bias = [.. Enumerable.Range(0, 8).Select(c => Every(gradients.Offsets, c, 8).Sum()), .. Enumerable.Range(0, 4).Select(c => Every(gradients.Mask, c, 4).Sum() / 4)];
        PublicVectors.AssertClose(vector.GetProperty("expected_grad_offset_conv_bias").Floats(), bias, 1e-6, "predictor's bias");

        static IEnumerable<float> Every(float[] values, int first, int step) => values.Where((_, i) => i % step == first);
    }

    /// <summary>Central differences of the definition in 50-digit arithmetic.</summary>
    [Fact]
    public void GradientsAreThoseOfTheDefinition()
    {
        var vector = Case("grad_deform_conv2d_modulated", "gradients.json");
        var inputs = vector.GetProperty("inputs");
        using var run = new Run(Values(inputs, "x"), 4, 2, 0, LastChannels(Values(inputs, "offset"), 8), LastChannels(Values(inputs, "mask"), 4), Values(inputs, "w"));
        PublicVectors.AssertClose(Values(vector, "output"), run.Forward(), 1e-5, "output");
        var gradients = run.Backward(vector.GetProperty("grad_output").Floats());
        var expected = vector.GetProperty("grads");
        PublicVectors.AssertClose(Values(expected, "x"), gradients.X, 1e-5, "x");
        PublicVectors.AssertClose(LastChannels(Values(expected, "offset"), 8), gradients.Offsets, 1e-5, "offsets");
        PublicVectors.AssertClose(LastChannels(Values(expected, "mask"), 4), gradients.Mask, 1e-5, "mask");
        PublicVectors.AssertClose(Values(expected, "w"), gradients.Weights, 1e-5, "weights");

        static float[] LastChannels(float[] values, int channels) => PublicVectors.ChannelsLast(values, [1, channels, values.Length / channels, 1]);
        static float[] Values(JsonElement parent, string name)
        {
            var element = parent.GetProperty(name);
            return (element.ValueKind == JsonValueKind.Object ? element.GetProperty("values") : element).Floats();
        }
    }

    /// <summary>A square image of one channel through a square kernel of stride 1.</summary>
    private sealed class Run : IDisposable
    {
        private readonly DeviceStream _stream = Device.Cpu.CreateStream();
        private readonly DeformConv2DOptions _options;
        private readonly DeviceTensor _x, _offsets, _weights;
        private readonly DeviceTensor? _mask;
        private readonly long _size;

        public Run(float[] x, int size, int kernel, int padding, IEnumerable<float> offsets, IEnumerable<float>? mask, IEnumerable<float> weights)
        {
            _options = new DeformConv2DOptions { Conv = new Conv2DOptions(1, 1, kernel) { Padding = padding } };
            _size = _options.OutputSize(size, size).Height;
            _x = DeviceTensor.From<float>(_stream, x, 1, size, size, 1);
            _offsets = DeviceTensor.From<float>(_stream, [.. offsets], 1, _size, _size, 2 * kernel * kernel);
            _mask = mask is null ? null : DeviceTensor.From<float>(_stream, [.. mask], 1, _size, _size, kernel * kernel);
            _weights = DeviceTensor.From<float>(_stream, [.. weights], 1, kernel, kernel, 1);
        }

        public float[] Forward()
        {
            using var y = DeviceTensor.Allocate(_stream, DType.Float32, 1, _size, _size, 1);
            Kernels.DeformConv2D(_stream, _options, _x, _offsets, _mask, _weights, null, y);
            return y.ToArray<float>(_stream);
        }

        public (float[] X, float[] Offsets, float[] Mask, float[] Weights) Backward(IEnumerable<float> dy)
        {
            using var gradient = DeviceTensor.From<float>(_stream, [.. dy], 1, _size, _size, 1);
            using var dx = DeviceTensor.Allocate(_stream, DType.Float32, _x.Shape);
            using var offsets = DeviceTensor.Allocate(_stream, DType.Float32, _offsets.Shape);
            using var mask = _mask is null ? null : DeviceTensor.Allocate(_stream, DType.Float32, _mask.Shape);
            using var weights = DeviceTensor.Allocate(_stream, DType.Float32, _weights.Shape);
            Kernels.DeformConv2DBackward(_stream, _options, _x, _offsets, _mask, _weights, gradient,
                new DeformConv2DGradients { X = dx, Offsets = offsets, Mask = mask, Weights = weights });
            return (dx.ToArray<float>(_stream), offsets.ToArray<float>(_stream), mask?.ToArray<float>(_stream) ?? [], weights.ToArray<float>(_stream));
        }

        public void Dispose()
        {
            foreach (var tensor in (DeviceTensor?[])[_x, _offsets, _mask, _weights]) tensor?.Dispose();
            _stream.Dispose();
        }
    }
}
