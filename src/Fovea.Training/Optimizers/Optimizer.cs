namespace Fovea.Training;

/// <summary>Changes parameters by their gradients: SGD, momentum, Nesterov, Adam, AdamW and Lion by one fused kernel per group over flat
/// buffers. A step first copies learning rate and step number to the device, so it cannot be captured.
/// <para>Parameters are moved into flat buffers by the constructor and stay usable as before. Weight decay goes to those whose
/// <see cref="Parameter.Decays"/> is set.</para></summary>
public sealed class Optimizer : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly Group[] _groups;
    private readonly DeviceTensor _norm; // f32 [2]: norm of all gradients, clip factor

    /// <summary>Takes over the memory of <paramref name="parameters"/>.</summary>
    /// <param name="stream">Where updates run; the stream of the programs that make the gradients.</param>
    /// <param name="options">The rule.</param>
    /// <param name="parameters">f32, each once.</param>
    /// <param name="rateScale">Factor of the learning rate by parameter, for example 0.1 for a backbone; null: 1.</param>
    /// <exception cref="ArgumentException">A parameter is not f32, or comes twice.</exception>
    public Optimizer(DeviceStream stream, in OptimizerOptions options, IEnumerable<Parameter> parameters, Func<Parameter, float>? rateScale = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(parameters);
        _stream = stream;
        Options = options;
        var list = parameters.Where(p => p.RequiresGradient).ToArray();
        if (list.Distinct().Count() != list.Length) throw new ArgumentException("a parameter comes twice", nameof(parameters));
        Parameters = list;
        var moments = options.Kind switch
        {
            OptimizerKind.Sgd => 0,
            OptimizerKind.Adam or OptimizerKind.AdamW => 2,
            _ => 1,
        };
        var decay = options.WeightDecay;
        _groups = [.. list
            .GroupBy(p => (p.Decays, Scale: rateScale?.Invoke(p) ?? 1f))
            .Select(g => new Group(new FlatParameters(stream, [.. g], moments), g.Key.Decays ? decay : 0, g.Key.Scale, DeviceTensor.From(stream, [0f, 0f, 1f], 3)))];
        _norm = DeviceTensor.From(stream, [0f, 1f], 2);
    }

    /// <summary>The rule.</summary>
    public OptimizerOptions Options { get; }

    /// <summary>What is updated.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Updates since the beginning.</summary>
    public long StepCount { get; private set; }

    /// <summary>Norm of all gradients of the last <see cref="Step"/> that clipped, in front of clipping. Waits.</summary>
    public float GradientNorm => _norm.ToArray<float>(_stream)[0];

    /// <summary>Forgets all gradients: the next run of a program overwrites them.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in Parameters) parameter.ClearGradient();
    }

    /// <summary>Enqueues one update.</summary>
    /// <param name="learningRate">Of this step, before the groups' factors.</param>
    /// <param name="maxNorm">Gradients are scaled down together to this norm; 0: no clipping. A norm that is not finite skips the
    /// update.</param>
    /// <param name="gradientScale">What gradients were multiplied by, a loss scale: they are divided by it, before clipping.</param>
    public void Step(float learningRate, float maxNorm = 0, float gradientScale = 1)
    {
        foreach (var parameter in Parameters)
            if (!parameter.HasGradient) throw new InvalidOperationException($"parameter {parameter.Name} has no gradient");
        StepCount++;
        foreach (var group in _groups)
            group.Schedule.CopyFrom(_stream, [learningRate * group.RateScale, (float)StepCount, 1 / gradientScale]);
        if (maxNorm > 0 || gradientScale != 1) Clip(maxNorm > 0 ? maxNorm * gradientScale : float.MaxValue);
        foreach (var group in _groups)
        {
            Kernels.OptimizerStep(_stream, Options with { WeightDecay = group.Decay }, group.Flat.Values, group.Flat.Gradients,
                group.Flat.Moments.ElementAtOrDefault(0), group.Flat.Moments.ElementAtOrDefault(1), group.Schedule);
        }
    }

    // Multiplies the factors by min(1, max/(norm + 1e-6)), or by NaN for a norm that is not finite: a step with it changes nothing.
    private void Clip(float maxNorm)
    {
        Kernels.GlobalNorm(_stream, [.. _groups.Select(g => g.Flat.Gradients)], maxNorm, _norm);
        foreach (var group in _groups)
        {
            var factor = group.Schedule.Rows(2, 1);
            Kernels.Binary(_stream, BinaryOp.Mul, factor, _norm.Rows(1, 1), factor);
        }
    }

    /// <summary>Moments by parameter: "name.first", "name.second".</summary>
    internal IEnumerable<(string Name, DeviceTensor Tensor)> State()
    {
        string[] names = ["first", "second"];
        foreach (var group in _groups)
            for (var m = 0; m < group.Flat.Moments.Length; m++)
                for (var i = 0; i < group.Flat.Parameters.Count; i++)
                    yield return ($"{group.Flat.Parameters[i].Name}.{names[m]}", group.Flat.View(group.Flat.Moments[m], i));
    }

    /// <summary>Sets the number of updates, when training is resumed.</summary>
    internal void Resume(long steps) => StepCount = steps;

    /// <summary>Gives back the flat buffers, parameters included.</summary>
    public void Dispose()
    {
        foreach (var group in _groups)
        {
            group.Flat.Dispose();
            group.Schedule.Dispose();
        }
        _norm.Dispose();
    }

    private sealed record Group(FlatParameters Flat, float Decay, float RateScale, DeviceTensor Schedule);
}
