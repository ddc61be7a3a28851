using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>A depthwise 3x3 with ReLU and the 1x1 with ReLU behind it, in one call.</summary>
public sealed class SeparableWorkload(string name, int channels, int outChannels, int size, int stride) : Workload("separable", name)
{
    private float[]? _x, _depthwise, _pointwise;

    public ConvShape Depthwise { get; } = new(channels, channels, size, size, 3, stride, 1, Groups: channels);

    public ConvShape Pointwise { get; } = new(channels, outChannels, (size - 1) / stride + 1, (size - 1) / stride + 1, 1);

    public override double Flops => Depthwise.Flops + Pointwise.Flops;

    public override double BytesRead => 4.0 * (Depthwise.InputCount + Depthwise.WeightCount + Pointwise.WeightCount);

    public override double BytesWritten => 4.0 * Pointwise.OutputCount;

    public float[] X => _x ??= RandomData.Uniform(1, Depthwise.InputCount);

    /// <summary>[C][3][3].</summary>
    public float[] DepthwiseWeights => _depthwise ??= RandomData.Uniform(2, Depthwise.WeightCount, -Depthwise.WeightBound, Depthwise.WeightBound);

    /// <summary>[out][C].</summary>
    public float[] PointwiseWeights => _pointwise ??= RandomData.Uniform(3, Pointwise.WeightCount, -Pointwise.WeightBound, Pointwise.WeightBound);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = SeparableConv2DOptions.Create(channels, outChannels, 3, stride, 1, Activation.Relu, Activation.Relu);
        using var depthwise = DeviceTensor.From<float>(stream, DepthwiseWeights, channels, 3, 3);
        using var pointwise = DeviceTensor.From<float>(stream, PointwiseWeights, outChannels, channels);
        var weights = Kernels.PrepareSeparableConv2D(stream, options, depthwise, pointwise);
        var x = DeviceTensor.From<float>(stream, X, 1, size, size, channels);
        var y = DeviceTensor.Allocate(stream, DType.Float32, 1, Pointwise.OutHeight, Pointwise.OutWidth, outChannels);
        return FoveaContestant.Capture(stream, y, () => Kernels.SeparableConv2D(stream, options, x, weights, null, null, null, null, y), x, weights);
    }

    public override ReferenceSample Reference() => ReferenceSample.Take(Pointwise.OutputCount, 100, index =>
    {
        int co = index % outChannels, pixel = index / outChannels, ox = pixel % Pointwise.OutWidth, oy = pixel / Pointwise.OutWidth;
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += Math.Max(0, Between(c, ox, oy)) * PointwiseWeights[co * channels + c];
        return Math.Max(0, sum);
    });

    private double Between(int c, int ox, int oy)
    {
        double sum = 0;
        for (int k = 0; k < 9; k++)
        {
            int iy = oy * stride - 1 + k / 3, ix = ox * stride - 1 + k % 3;
            if (iy >= 0 && iy < size && ix >= 0 && ix < size) sum += (double)X[(iy * size + ix) * channels + c] * DepthwiseWeights[c * 9 + k];
        }

        return sum;
    }
}
