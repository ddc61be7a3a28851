using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>y [M][N] = x [M][K] times constant weights [N][K].</summary>
public sealed class GemmWorkload(int m, int n, int k, WeightFormat format = WeightFormat.Float32)
    : Workload("gemm", $"{m}x{n}x{k}{Suffix(format)}")
{
    private float[]? _x, _weights;

    public int M => m;

    public int N => n;

    public int K => k;

    public WeightFormat Format => format;

    public override double Flops => 2.0 * m * n * k;

    public override double BytesRead => 4.0 * m * k + (format switch { WeightFormat.Int8 => 1.0, WeightFormat.BFloat16 => 2, _ => 4 }) * n * k;

    public override double BytesWritten => 4.0 * m * n;

    // Factors are rounded to 8 bits of mantissa, or to 127 steps of their row's largest; sums of many average that out.
    public override double Tolerance => format == WeightFormat.Float32 ? base.Tolerance : 2e-2;

    public float[] X => _x ??= RandomData.Uniform(1, (long)m * k);

    /// <summary>[N][K].</summary>
    public float[] Weights => _weights ??= RandomData.Uniform(2, (long)n * k, -0.05f, 0.05f);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = new LinearOptions { InFeatures = k, OutFeatures = n, Weights = format };
        using var raw = DeviceTensor.From<float>(stream, Weights, n, k);
        var weights = Kernels.PrepareLinear(stream, options, raw);
        var x = DeviceTensor.From<float>(stream, X, m, k);
        var y = DeviceTensor.Allocate(stream, DType.Float32, m, n);
        return FoveaContestant.Capture(stream, y, () => Kernels.Linear(stream, options, x, weights, null, null, y), x, weights);
    }

    public override ReferenceSample Reference() => ReferenceSample.Take((long)m * n, 400, index =>
    {
        int row = index / n, column = index % n;
        double sum = 0;
        for (int i = 0; i < k; i++) sum += (double)X[row * k + i] * Weights[column * k + i];
        return sum;
    });

    private static string Suffix(WeightFormat format) => format switch
    {
        WeightFormat.BFloat16 => " bf16 weights",
        WeightFormat.Int8 => " int8 weights",
        _ => "",
    };
}
