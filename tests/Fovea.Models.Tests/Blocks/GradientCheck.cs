using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

/// <summary>Compares a module's gradients, of its input and of every parameter, with difference quotients of a fixed combination of what
/// it computes.</summary>
internal sealed class GradientCheck : IDisposable
{
    // A power of two: x +- h is exact for numbers of this size.
    private const float Step = 1f / 128;
    private const int Samples = 3; // elements of each tensor

    private readonly DeviceStream _stream;
    private readonly Module _module;
    private readonly DeviceTensor _x, _weights;
    private readonly float[] _weightValues;
    private readonly Value _input, _result;
    private readonly TapeProgram _program;

    /// <param name="stream">Where the module lives.</param>
    /// <param name="module">Disposed with the check.</param>
    /// <param name="forward">What it computes; a rank of 2 or more.</param>
    /// <param name="shape">Of its input.</param>
    public GradientCheck(DeviceStream stream, Module module, Func<Value, Value> forward, params ReadOnlySpan<long> shape)
    {
        (_stream, _module) = (stream, module);
        var init = new Initializer(stream, 17);
        // Scales and shifts that are neither 1 nor 0.
        foreach (var parameter in module.Parameters.Where(p => p.Spec.Rank == 1))
        {
            using var noise = init.Uniform(0.3f, parameter.Spec.Shape);
            Kernels.Binary(stream, BinaryOp.Add, parameter.Value, noise, parameter.Value);
        }
        _x = init.Uniform(1, shape);
        var tape = new Tape();
        _input = tape.Input(_x, requiresGradient: true);
        _result = forward(_input);
        _weights = init.Uniform(1, 1, _result.Spec.ElementCount);
        _weightValues = _weights.ToArray<float>(stream);
        var loss = _result.Reshape(1, _weightValues.Length).Linear(tape.Input(_weights)).Reshape();
        _program = tape.Compile(stream, loss, order: null, _result);
    }

    /// <summary>Name, tensor and gradient of every parameter and of the input.</summary>
    public (string Name, DeviceTensor Tensor, float[] Gradient)[] Gradients()
    {
        _program.Run();
        return [.. _module.Parameters.Select(p => (p.Name, p.Value, p.Gradient.ToArray<float>(_stream))), ("input", _x, _program.Gradient(_input).ToArray<float>(_stream))];
    }

    public void Run()
    {
        var gradients = Gradients();
        var tolerance = Tolerance();
        foreach (var (name, tensor, gradient) in gradients)
        {
            for (var k = 0; k < Math.Min(Samples, gradient.Length); k++)
            {
                var element = (int)((long)k * gradient.Length / Math.Min(Samples, gradient.Length));
                var expected = Difference(tensor, element);
                Assert.True(Math.Abs(gradient[element] - expected) <= tolerance + 1e-3 * Math.Abs(expected),
                    $"{name}, element {element}: gradient {gradient[element]}, difference quotient {expected}, tolerance {tolerance:G3}");
            }
        }
    }

    public void Dispose()
    {
        _program.Dispose();
        _weights.Dispose();
        _x.Dispose();
        _module.Dispose();
    }

    // Central differences with steps h and 2h, combined so that the error is of fourth order (Richardson).
    private double Difference(DeviceTensor tensor, int element)
    {
        var values = tensor.ToArray<float>(_stream);
        var x = values[element];
        var (near, far) = (Quotient(Step), Quotient(2 * Step));
        values[element] = x;
        tensor.CopyFrom<float>(_stream, values);
        return (4 * near - far) / 3;

        double Quotient(float step) => (Loss(x + step) - Loss(x - step)) / ((double)(x + step) - (x - step));

        double Loss(float at)
        {
            values[element] = at;
            tensor.CopyFrom<float>(_stream, values);
            _program.Run();
            return _program.Read(_result).ToArray<float>(_stream).Select((y, i) => (double)y * _weightValues[i]).Sum();
        }
    }

    // Results carry a few roundings of 2^-24 each of the kernels in a row; 32 of them, independent of each other, divided by h.
    private double Tolerance()
    {
        var y = _program.Read(_result).ToArray<float>(_stream);
        var squares = y.Select((v, i) => Math.Pow(Math.Max(Math.Abs(v), 1) * _weightValues[i], 2)).Sum();
        return 32 * Math.Sqrt(squares) * Math.ScaleB(1, -24) / Step * 2 + 1e-5;
    }
}
