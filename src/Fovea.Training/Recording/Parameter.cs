namespace Fovea.Training;

/// <summary>A tensor that training changes, and the place where its gradient adds up. The value belongs to the parameter and is
/// disposed with it.</summary>
public sealed class Parameter : IDisposable
{
    private readonly bool _ownsGradient;
    private DeviceTensor? _gradient;

    /// <summary>Takes over <paramref name="value"/>.</summary>
    /// <param name="name">Unique inside a model: "encoder.layer1.weight". It names the tensor in files.</param>
    /// <param name="value">f32 (or f16, bf16), contiguous.</param>
    /// <param name="gradient">Where the gradient goes, of the same data type and shape; null: allocated when it is first
    /// needed.</param>
    public Parameter(string name, DeviceTensor value, DeviceTensor? gradient = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(value);
        if (!value.IsContiguous) throw new ArgumentException($"parameter {name}: {value} has a pitch of {value.Pitch}", nameof(value));
        Name = name;
        Value = value;
        Spec = TensorSpec.Of(value);
        if (gradient is not null && !TensorSpec.Of(gradient).Equals(Spec))
            throw new ArgumentException($"parameter {name} is {Spec}, its gradient {gradient}", nameof(gradient));
        _gradient = gradient;
        _ownsGradient = gradient is null;
    }

    /// <summary>Unique inside a model.</summary>
    public string Name { get; }

    /// <summary>The tensor itself.</summary>
    public DeviceTensor Value { get; private set; }

    /// <summary>Data type and shape.</summary>
    public TensorSpec Spec { get; }

    /// <summary>Whether programs compute its gradient. Read when a tape records its use.</summary>
    public bool RequiresGradient { get; set; } = true;

    /// <summary>Whether weight decay applies: by habit not to biases, norm weights and state-space decays.</summary>
    public bool Decays { get; init; } = true;

    /// <summary>Whether <see cref="Gradient"/> holds a sum: the next contribution is added, not written.</summary>
    public bool HasGradient { get; private set; }

    /// <summary>The gradient, of the parameter's shape.</summary>
    /// <exception cref="InvalidOperationException">No program has computed it since the last
    /// <see cref="ClearGradient"/>.</exception>
    public DeviceTensor Gradient => HasGradient
        ? _gradient!
        : throw new InvalidOperationException($"parameter {Name} has no gradient: run a program that uses it first");

    /// <summary>Forgets the gradient without touching its memory: the next contribution overwrites it.</summary>
    public void ClearGradient() => HasGradient = false;

    /// <summary>The tensor for a gradient that is about to be written whole.</summary>
    internal DeviceTensor BeginGradient(DeviceStream stream)
    {
        HasGradient = true;
        return _gradient ??= DeviceTensor.Allocate(stream, Spec.DType, Spec.Shape);
    }

    /// <summary>Makes sure that the memory exists, before a capture begins or a budget is planned.</summary>
    internal void ReserveGradient(DeviceStream stream) => _gradient ??= DeviceTensor.Allocate(stream, Spec.DType, Spec.Shape);

    /// <summary>Moves value and gradient into memory that many parameters share.</summary>
    internal void Move(DeviceTensor value, DeviceTensor gradient)
    {
        Value.Dispose();
        if (_ownsGradient) _gradient?.Dispose();
        (Value, _gradient) = (value, gradient);
        HasGradient = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Value.Dispose();
        if (_ownsGradient) _gradient?.Dispose();
    }

    /// <summary>For example "head.weight [10, 64] Float32".</summary>
    public override string ToString() => $"{Name} {Spec}";
}
