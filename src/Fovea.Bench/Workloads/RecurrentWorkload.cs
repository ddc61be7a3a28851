using Fovea.Bench.Measure;
using Fovea.Models.Sequences.Recurrent;

namespace Fovea.Bench.Workloads;

/// <summary>A layer of LSTM or GRU cells over x [1][L][size] from a state that is not 0.</summary>
public sealed class RecurrentWorkload(RecurrentCell cell, int length, int size)
    : Workload("recurrent", $"{(cell == RecurrentCell.Lstm ? "LSTM" : "GRU")} {size}->{size} L{length}")
{
    private readonly int _rows = Gates.Count(cell) * size;
    private float[]? _x, _weights, _recurrent, _bias, _recurrentBias, _h, _c;

    public RecurrentCell Cell => cell;

    public int Length => length;

    public int Size => size;

    public override double Flops => 4.0 * length * _rows * size;

    public override double BytesRead => 4.0 * (Gates.ParameterCount(cell, size, size) + (double)length * size);

    public override double BytesWritten => 4.0 * length * size;

    public float[] X => _x ??= RandomData.Uniform(1, (long)length * size);

    /// <summary>[gates*size][size], gates in Fovea's order, as all weights and biases.</summary>
    public float[] Weights => _weights ??= RandomData.Uniform(2, (long)_rows * size, -Bound, Bound);

    /// <summary>[gates*size][size].</summary>
    public float[] Recurrent => _recurrent ??= RandomData.Uniform(3, (long)_rows * size, -Bound, Bound);

    /// <summary>[gates*size].</summary>
    public float[] Bias => _bias ??= RandomData.Uniform(4, _rows, -Bound, Bound);

    /// <summary>[gates*size].</summary>
    public float[] RecurrentBias => _recurrentBias ??= RandomData.Uniform(5, _rows, -Bound, Bound);

    /// <summary>The state at the start, [size].</summary>
    public float[] H => _h ??= RandomData.Uniform(6, size);

    /// <summary>The LSTM's cells at the start, [size].</summary>
    public float[] C => _c ??= RandomData.Uniform(7, size);

    // PyTorch's initial values.
    private float Bound => 1 / MathF.Sqrt(size);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = new RecurrentOptions { Cell = cell, InputSize = size, HiddenSize = size };
        using var weights = DeviceTensor.From<float>(stream, Weights, _rows, size);
        using var recurrent = DeviceTensor.From<float>(stream, Recurrent, _rows, size);
        using var bias = DeviceTensor.From<float>(stream, Bias, _rows);
        using var recurrentBias = DeviceTensor.From<float>(stream, RecurrentBias, _rows);
        var packed = Kernels.PrepareRecurrent(stream, options, weights, recurrent, bias, recurrentBias);
        var x = DeviceTensor.From<float>(stream, X, 1, length, size);
        var y = DeviceTensor.Allocate(stream, DType.Float32, 1, length, size);
        DeviceTensor firstH = DeviceTensor.From<float>(stream, H, 1, size), firstC = DeviceTensor.From<float>(stream, C, 1, size);
        DeviceTensor h = DeviceTensor.Allocate(stream, DType.Float32, 1, size), c = DeviceTensor.Allocate(stream, DType.Float32, 1, size);
        return FoveaContestant.Capture(stream, y, () =>
        {
            // The kernel replaces the state; every call begins with the same one.
            Kernels.Copy(stream, firstH, h);
            if (cell == RecurrentCell.Lstm) Kernels.Copy(stream, firstC, c);
            Kernels.Recurrent(stream, options, x, packed, lengths: null, h, cell == RecurrentCell.Lstm ? c : null, y);
        }, packed, x, firstH, firstC, h, c);
    }

    public override ReferenceSample Reference()
    {
        // Every position needs the one before it, so all are computed.
        double[] h = [.. H.Select(v => (double)v)], c = [.. C.Select(v => (double)v)], all = new double[length * size];
        double[] given = new double[_rows], back = new double[_rows];
        for (int t = 0; t < length; t++)
        {
            for (int row = 0; row < _rows; row++)
            {
                given[row] = Bias[row] + Dot(Weights, row, i => X[t * size + i]);
                back[row] = RecurrentBias[row] + Dot(Recurrent, row, i => h[i]);
            }

            for (int j = 0; j < size; j++)
            {
                double Sum(int gate) => given[gate * size + j] + back[gate * size + j];
                if (cell == RecurrentCell.Lstm)
                {
                    c[j] = Sigmoid(Sum(1)) * c[j] + Sigmoid(Sum(0)) * Math.Tanh(Sum(2));
                    h[j] = Sigmoid(Sum(3)) * Math.Tanh(c[j]);
                }
                else
                {
                    double z = Sigmoid(Sum(1)), n = Math.Tanh(given[2 * size + j] + Sigmoid(Sum(0)) * back[2 * size + j]);
                    h[j] = (1 - z) * n + z * h[j];
                }

                all[t * size + j] = h[j];
            }
        }

        return ReferenceSample.Take(all.Length, 400, i => all[i]);
    }

    private double Dot(float[] matrix, int row, Func<int, double> vector)
    {
        double sum = 0;
        for (int i = 0; i < size; i++) sum += matrix[row * size + i] * vector(i);
        return sum;
    }

    private static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
}
