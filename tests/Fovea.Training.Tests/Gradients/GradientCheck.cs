namespace Fovea.Training.Tests.Gradients;

/// <summary>Runs a <see cref="GradientCase"/>: the loss is a fixed combination of the results.</summary>
internal sealed class GradientCheck : IDisposable
{
    // A power of two: x +- h is exact for the numbers of the cases.
    private const float Step = 1f / 64;

    private readonly DeviceStream _stream;
    private readonly DeviceTensor[] _inputs, _constants;
    private readonly DeviceTensor _weights;
    private readonly float[] _weightValues;
    private readonly Value[] _values;
    private readonly Value _result;
    private readonly TapeProgram _program;

    public GradientCheck(DeviceStream stream, GradientCase test, bool recompute = false)
    {
        _stream = stream;
        var tape = new Tape();
        _inputs = [.. test.Values().Select((v, i) => DeviceTensor.From<float>(stream, v, test.Inputs[i]))];
        _values = [.. _inputs.Select(x => tape.Input(x, requiresGradient: true))];
        _constants =
        [
            .. test.Indices.Select(i => DeviceTensor.From<int>(stream, i, i.Length)),
            .. test.Constants.Select(c => DeviceTensor.From<float>(stream, c, c.Length)),
        ];
        Value[] inputs = [.. _values, .. _constants.Select(c => tape.Input(c))];
        _result = recompute ? Checkpoint.Run(tape, () => test.Build(tape, inputs)) : test.Build(tape, inputs);
        var count = _result.Spec.ElementCount;
        _weights = Tensors.Random(stream, 99, 1, count);
        _weightValues = _weights.ToArray<float>(stream);
        var loss = _result.Reshape(1, count).Linear(tape.Input(_weights)).Reshape();
        // An order in which everything runs twice where it may.
        var order = recompute ? Twice(tape) : null;
        _program = tape.Compile(stream, loss, order, _result);
    }

    public float[][] Gradients()
    {
        _program.Run();
        return [.. _values.Select(v => _program.Gradient(v).ToArray<float>(_stream))];
    }

    /// <summary>Central differences with steps h and 2h, combined so that the error is of fourth order (Richardson).</summary>
    public double Difference(int input, int element)
    {
        var values = _inputs[input].ToArray<float>(_stream);
        var x = values[element];
        double Loss(float at)
        {
            values[element] = at;
            _inputs[input].CopyFrom<float>(_stream, values);
            _program.Run();
            var y = _program.Read(_result).ToArray<float>(_stream);
            double sum = 0;
            for (var i = 0; i < y.Length; i++) sum += (double)y[i] * _weightValues[i];
            return sum;
        }
        var near = (Loss(x + Step) - Loss(x - Step)) / ((double)(x + Step) - (x - Step));
        var far = (Loss(x + 2 * Step) - Loss(x - 2 * Step)) / ((double)(x + 2 * Step) - (x - 2 * Step));
        Loss(x);
        return (4 * near - far) / 3;
    }

    /// <summary>What f32 results cost in a difference quotient: each carries a few roundings of 2^-24 of its size, divided by
    /// h. Eight roundings cover the kernels' own sums at these sizes; the fourth-order term is far below.</summary>
    public double Tolerance()
    {
        _program.Run();
        var y = _program.Read(_result).ToArray<float>(_stream);
        double squares = 0;
        for (var i = 0; i < y.Length; i++) squares += Math.Pow(Math.Max(Math.Abs(y[i]), 1) * _weightValues[i], 2);
        return 8 * Math.Sqrt(squares) * Math.ScaleB(1, -24) / Step * 2 + 1e-5;
    }

    public void Dispose()
    {
        _program.Dispose();
        _weights.Dispose();
        foreach (var x in _inputs.Concat(_constants)) x.Dispose();
    }

    private static List<TapeStep> Twice(Tape tape)
    {
        var steps = new List<TapeStep>();
        for (var i = 0; i < tape.Count; i++) steps.Add(TapeStep.Forward(i));
        for (var i = 0; i < tape.Count; i++) steps.Add(TapeStep.Forward(i));
        for (var i = tape.Count - 1; i >= 0; i--) steps.Add(TapeStep.Backward(i));
        return steps;
    }
}
