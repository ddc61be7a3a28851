using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Scaled dot-product attention, q [1][Lq][H][D], k and v [1][Lk][H][D]; Lq = 1 decodes from a cache.</summary>
public sealed class AttentionWorkload(int heads, int queries, int keys, int size, bool causal = false)
    : Workload("attention", $"H{heads} {queries}x{keys} D{size}{(causal ? " causal" : "")}")
{
    private float[]? _q, _k, _v;

    public int Heads => heads;

    public int Queries => queries;

    public int Keys => keys;

    /// <summary>Elements of a head.</summary>
    public int Size => size;

    public bool Causal => causal;

    // Half of the score matrix is masked.
    public override double Flops => 4.0 * heads * queries * keys * size * (causal ? 0.5 : 1);

    public override double BytesRead => 4.0 * heads * size * (queries + 2.0 * keys);

    public override double BytesWritten => 4.0 * heads * size * queries;

    public float[] Q => _q ??= RandomData.Uniform(1, (long)queries * heads * size);

    public float[] K => _k ??= RandomData.Uniform(2, (long)keys * heads * size);

    public float[] V => _v ??= RandomData.Uniform(3, (long)keys * heads * size);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = new AttentionOptions { Causal = causal };
        var q = DeviceTensor.From<float>(stream, Q, 1, queries, heads, size);
        var k = DeviceTensor.From<float>(stream, K, 1, keys, heads, size);
        var v = DeviceTensor.From<float>(stream, V, 1, keys, heads, size);
        var o = DeviceTensor.Allocate(stream, DType.Float32, 1, queries, heads, size);
        return FoveaContestant.Capture(stream, o, () => Kernels.Attention(stream, options, q, k, v, null, o, null), q, k, v);
    }

    public override ReferenceSample Reference() => ReferenceSample.Take((long)queries * heads * size, 24, index =>
    {
        int d = index % size, head = index / size % heads, row = index / size / heads;
        int seen = causal ? keys - queries + row + 1 : keys;
        var scores = new double[seen];
        for (int j = 0; j < seen; j++)
        {
            for (int i = 0; i < size; i++) scores[j] += (double)Q[(row * heads + head) * size + i] * K[(j * heads + head) * size + i];
        }

        double largest = scores.Max(), sum = 0, weighted = 0;
        for (int j = 0; j < seen; j++)
        {
            double e = Math.Exp((scores[j] - largest) / Math.Sqrt(size));
            sum += e;
            weighted += e * V[(j * heads + head) * size + d];
        }

        return weighted / sum;
    });
}
