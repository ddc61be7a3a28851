using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>The selective scan of Mamba over [1][L][D] with N states per channel.</summary>
public sealed class ScanWorkload(int length, int channels, int states) : Workload("scan", $"L{length} D{channels} N{states}")
{
    private float[]? _u, _delta, _a, _b, _c;

    public int Length => length;

    public int Channels => channels;

    public int States => states;

    // Per state: the product delta*a, exp counted as one, two multiply-adds and the product with b.
    public override double Flops => 7.0 * length * channels * states;

    public override double BytesRead => 4.0 * (2.0 * length * channels + 2.0 * length * states + (double)channels * states);

    public override double BytesWritten => 4.0 * length * channels;

    public float[] U => _u ??= RandomData.Uniform(1, (long)length * channels);

    public float[] Delta => _delta ??= RandomData.Uniform(2, (long)length * channels, 0.05f, 0.1f);

    public float[] A => _a ??= RandomData.Uniform(3, (long)channels * states, -16, -1);

    public float[] B => _b ??= RandomData.Uniform(4, (long)length * states);

    public float[] C => _c ??= RandomData.Uniform(5, (long)length * states);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var u = DeviceTensor.From<float>(stream, U, 1, length, channels);
        var delta = DeviceTensor.From<float>(stream, Delta, 1, length, channels);
        var a = DeviceTensor.From<float>(stream, A, channels, states);
        var b = DeviceTensor.From<float>(stream, B, 1, length, states);
        var c = DeviceTensor.From<float>(stream, C, 1, length, states);
        var y = DeviceTensor.Allocate(stream, DType.Float32, 1, length, channels);
        return FoveaContestant.Capture(stream, y,
            () => Kernels.SelectiveScan(stream, new SelectiveScanOptions(), u, delta, a, b, c, null, null, null, null, y), u, delta, a, b, c);
    }

    public override ReferenceSample Reference()
    {
        // Whole channels: every position needs the one before it.
        int[] chosen = [0, channels / 2, channels - 1];
        var indices = new List<int>();
        var values = new List<double>();
        foreach (int d in chosen)
        {
            var h = new double[states];
            for (int t = 0; t < length; t++)
            {
                int at = t * channels + d;
                double y = 0;
                for (int n = 0; n < states; n++)
                {
                    h[n] = Math.Exp((double)Delta[at] * A[d * states + n]) * h[n] + (double)Delta[at] * B[t * states + n] * U[at];
                    y += h[n] * C[t * states + n];
                }

                indices.Add(at);
                values.Add(y);
            }
        }

        return new ReferenceSample([.. indices], [.. values]);
    }
}
