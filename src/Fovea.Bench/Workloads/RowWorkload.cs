using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Layer normalisation, softmax or GELU over [rows][columns].</summary>
public sealed class RowWorkload(RowOperation operation, int rows, int columns) : Workload(FamilyOf(operation), $"{Label(operation)}{rows}x{columns}")
{
    public const float Epsilon = 1e-5f;

    private float[]? _x, _gamma, _beta;

    public RowOperation Operation => operation;

    public int Rows => rows;

    public int Columns => columns;

    // A handful of operations per element: these are compared with the memory.
    public override double Flops => 0;

    public override double BytesRead => 4.0 * rows * columns;

    public override double BytesWritten => 4.0 * rows * columns;

    public float[] X => _x ??= RandomData.Uniform(1, (long)rows * columns, -3, 3);

    public float[] Gamma => _gamma ??= RandomData.Uniform(2, columns);

    public float[] Beta => _beta ??= RandomData.Uniform(3, columns);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var x = DeviceTensor.From<float>(stream, X, rows, columns);
        var gamma = DeviceTensor.From<float>(stream, Gamma, columns);
        var beta = DeviceTensor.From<float>(stream, Beta, columns);
        var y = DeviceTensor.Allocate(stream, DType.Float32, rows, columns);
        Action call = operation switch
        {
            RowOperation.LayerNorm => () => Kernels.LayerNorm(stream, new LayerNormOptions { Epsilon = Epsilon }, x, null, gamma, beta, null, y),
            RowOperation.Softmax => () => Kernels.Softmax(stream, new SoftmaxOptions(), x, y),
            RowOperation.Gelu => () => Kernels.Activate(stream, Activation.Gelu, x, null, y),
            _ => () => Kernels.Activate(stream, Activation.GeluTanh, x, null, y),
        };
        return FoveaContestant.Capture(stream, y, call, x, gamma, beta);
    }

    public override ReferenceSample Reference() => ReferenceSample.Take((long)rows * columns, 200, index =>
    {
        var row = X.AsSpan(index / columns * columns, columns);
        int column = index % columns;
        double v = row[column];
        return operation switch
        {
            RowOperation.LayerNorm => Normalised(row, v) * Gamma[column] + Beta[column],
            RowOperation.Softmax => Softmax(row, v),
            RowOperation.Gelu => v / 2 * (1 + Erf(v / Math.Sqrt(2))),
            _ => v / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))),
        };
    });

    private static double Normalised(ReadOnlySpan<float> row, double v)
    {
        double mean = 0, squares = 0;
        foreach (float f in row) mean += f;
        mean /= row.Length;
        foreach (float f in row) squares += (f - mean) * (f - mean);
        return (v - mean) / Math.Sqrt(squares / row.Length + Epsilon);
    }

    private static double Softmax(ReadOnlySpan<float> row, double v)
    {
        double sum = 0;
        foreach (float f in row) sum += Math.Exp(f - v);
        return 1 / sum;
    }

    // Maclaurin series; up to |x| = 2.2, where it is used, 60 terms leave rounding only.
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (int n = 1; n < 60; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private static string FamilyOf(RowOperation operation) => operation switch
    {
        RowOperation.LayerNorm => "norm",
        RowOperation.Softmax => "softmax",
        _ => "gelu",
    };

    private static string Label(RowOperation operation) => operation switch
    {
        RowOperation.LayerNorm => "layer norm ",
        RowOperation.Gelu => "erf ",
        RowOperation.GeluTanh => "tanh ",
        _ => "",
    };
}
