using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>A convolution with bias and ReLU over one shape.</summary>
public sealed class ConvWorkload(string family, string name, ConvShape shape) : Workload(family, name)
{
    private float[]? _x, _weights, _bias;

    public ConvShape Shape => shape;

    public override double Flops => shape.Flops;

    public override double BytesRead => 4.0 * (shape.InputCount + shape.WeightCount);

    public override double BytesWritten => 4.0 * shape.OutputCount;

    /// <summary>[N][H][W][in].</summary>
    public float[] X => _x ??= RandomData.Uniform(1, shape.InputCount);

    /// <summary>[out][kh][kw][in/groups], scaled so that outputs stay near 1.</summary>
    public float[] Weights => _weights ??= RandomData.Uniform(2, shape.WeightCount, -shape.WeightBound, shape.WeightBound);

    public float[] Bias => _bias ??= RandomData.Uniform(3, shape.OutChannels, -0.1f, 0.1f);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = shape.Options with { Activation = Activation.Relu };
        var x = DeviceTensor.From<float>(stream, X, shape.Batch, shape.Height, shape.Width, shape.InChannels);
        using var raw = DeviceTensor.From<float>(stream, Weights, shape.OutChannels, shape.Kernel, shape.Kernel, shape.InChannels / shape.Groups);
        var weights = Kernels.PrepareConv2D(stream, options, raw);
        var bias = DeviceTensor.From<float>(stream, Bias, shape.OutChannels);
        var y = DeviceTensor.Allocate(stream, DType.Float32, shape.Batch, shape.OutHeight, shape.OutWidth, shape.OutChannels);
        return FoveaContestant.Capture(stream, y, () => Kernels.Conv2D(stream, options, x, weights, bias, null, null, y), x, weights, bias);
    }

    public override ReferenceSample Reference() => ReferenceSample.Take(shape.OutputCount, 400, i => Math.Max(0, Direct(i)));

    private double Direct(int index)
    {
        int co = index % shape.OutChannels, pixel = index / shape.OutChannels;
        int ox = pixel % shape.OutWidth, oy = pixel / shape.OutWidth % shape.OutHeight, n = pixel / shape.OutWidth / shape.OutHeight;
        int inputs = shape.InChannels / shape.Groups, first = co / (shape.OutChannels / shape.Groups) * inputs;
        double sum = Bias[co];
        for (int ky = 0; ky < shape.Kernel; ky++)
        {
            int iy = oy * shape.Stride - shape.Padding + ky * shape.Dilation;
            for (int kx = 0; kx < shape.Kernel; kx++)
            {
                int ix = ox * shape.Stride - shape.Padding + kx * shape.Dilation;
                if (iy < 0 || iy >= shape.Height || ix < 0 || ix >= shape.Width) continue;
                var from = X.AsSpan((((n * shape.Height) + iy) * shape.Width + ix) * shape.InChannels + first, inputs);
                var w = Weights.AsSpan(((co * shape.Kernel + ky) * shape.Kernel + kx) * inputs, inputs);
                for (int c = 0; c < inputs; c++) sum += (double)from[c] * w[c];
            }
        }

        return sum;
    }
}
