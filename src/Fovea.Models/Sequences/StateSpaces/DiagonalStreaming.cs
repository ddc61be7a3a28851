using System.Numerics;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Many small diagonal state spaces, one per channel, as a recurrence: s = a s + u, y = Re(w s) + d u.</summary>
internal sealed class DiagonalStreaming : ILayer
{
    private static readonly DiagonalScanOptions ComplexScan = new() { Complex = true };

    private readonly int _width, _floats;
    private readonly DeviceTensor _spread, _a, _weights, _skip, _hidden;

    /// <param name="state">Where the memory is added.</param>
    /// <param name="name">Path of the layer.</param>
    /// <param name="a"><c>[width, states]</c>, powers of a step.</param>
    /// <param name="weights"><c>[width, states]</c>.</param>
    /// <param name="skip"><c>[width]</c>.</param>
    public DiagonalStreaming(SequenceState state, string name, Complex[,] a, Complex[,] weights, DeviceTensor skip)
    {
        var (stream, states) = (state.Stream, a.GetLength(1));
        (_width, _floats) = (a.GetLength(0), 2 * states);
        _spread = Spread(stream, states);
        _a = Initial.Of(stream, [_width * _floats], i => Part(a[i / _floats, i % _floats / 2], i, 1));
        _weights = Initial.Of(stream, [_width, _floats], i => Part(weights[i / _floats, i % _floats / 2], i, -1));
        _skip = Projection.Clone(stream, skip);
        _hidden = state.Add($"{name}.ssm", 0, _width * _floats);
    }

    /// <summary>1, 0, 1, 0, ..: turns an input into complex inputs of all states of its channel.</summary>
    public static DeviceTensor Spread(DeviceStream stream, int states) => Initial.Of(stream, [2 * states], i => 1 - i % 2);

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var (batch, length) = (x.Shape[0], x.Shape[1]);
        using var wide = DeviceTensor.Allocate(stream, DType.Float32, batch, length, _width, _floats);
        using var hidden = DeviceTensor.Allocate(stream, DType.Float32, batch, length, _width, _floats);
        Kernels.Binary(stream, BinaryOp.Mul, x.Reshape(batch, length, _width, 1), _spread, wide);
        Kernels.DiagonalScan(stream, ComplexScan, wide.Reshape(batch, length, -1), _a, _hidden, hidden.Reshape(batch, length, -1));
        Kernels.Binary(stream, BinaryOp.Mul, hidden, _weights, wide);
        var y = Projection.Like(stream, x, _width);
        Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.Sum, 3), wide, y);
        using var skipped = Projection.Like(stream, x, _width);
        Kernels.Binary(stream, BinaryOp.Mul, x, _skip, skipped);
        Kernels.Binary(stream, BinaryOp.Add, y, skipped, y);
        return y;
    }

    public void Dispose()
    {
        foreach (var owned in (IDisposable[])[_spread, _a, _weights, _skip]) owned.Dispose();
    }

    private static double Part(Complex z, int index, int signOfImaginary) => index % 2 == 0 ? z.Real : signOfImaginary * z.Imaginary;
}
