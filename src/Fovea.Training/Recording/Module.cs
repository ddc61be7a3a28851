using System.Diagnostics.CodeAnalysis;

namespace Fovea.Training;

/// <summary>A part of a model: owns parameters, buffers and other modules, and records what it computes. Parts register themselves in
/// the constructor: nothing is found by reflection.</summary>
[SuppressMessage("Naming", "CA1716", Justification = "The field's word; Visual Basic can write [Module].")]
public abstract class Module : IDisposable
{
    private readonly List<Parameter> _parameters = [];
    private readonly List<(string Name, DeviceTensor Tensor)> _buffers = [];
    private readonly List<DeviceTensor> _constants = [];
    private readonly List<Module> _children = [];

    /// <summary>Names the part; names of its tensors begin with it.</summary>
    /// <param name="name">Path inside the model, "encoder.layer1"; empty for the model itself.</param>
    protected Module(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
    }

    /// <summary>Path inside the model.</summary>
    public string Name { get; }

    /// <summary>Parameters of this part and of all parts inside it, in the order of registration.</summary>
    public IEnumerable<Parameter> Parameters => _parameters.Concat(_children.SelectMany(c => c.Parameters));

    /// <summary>Tensors that training changes without a gradient, likewise.</summary>
    public IEnumerable<(string Name, DeviceTensor Tensor)> Buffers => _buffers.Concat(_children.SelectMany(c => c.Buffers));

    /// <summary>Whether the part behaves as in training (dropout, batch statistics). Set for all parts inside, too.</summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>Switches between training and evaluation.</summary>
    public void Train(bool training = true)
    {
        IsTraining = training;
        foreach (var child in _children) child.Train(training);
    }

    /// <summary>Sets whether gradients of the parameters are computed; a tape notices when it records their next use.</summary>
    public void Freeze(bool frozen = true)
    {
        foreach (var parameter in Parameters) parameter.RequiresGradient = !frozen;
    }

    /// <summary>Records what the part computes.</summary>
    public abstract Value Forward(Value x);

    /// <summary>Adds a parameter named "<see cref="Name"/>.<paramref name="name"/>".</summary>
    protected Parameter Add(string name, DeviceTensor value, bool decays = true)
    {
        var parameter = new Parameter(Path(name), value) { Decays = decays };
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Adds a buffer; the module disposes it.</summary>
    protected DeviceTensor AddBuffer(string name, DeviceTensor tensor)
    {
        _buffers.Add((Path(name), tensor));
        return tensor;
    }

    /// <summary>Adds a tensor that never changes, such as anchors: disposed with the module, and in no file.</summary>
    protected DeviceTensor AddConstant(DeviceTensor tensor)
    {
        _constants.Add(tensor);
        return tensor;
    }

    /// <summary>Adds a part, which is disposed with this one.</summary>
    protected T Add<T>(T child) where T : Module
    {
        _children.Add(child);
        return child;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
        foreach (var (_, tensor) in _buffers) tensor.Dispose();
        foreach (var tensor in _constants) tensor.Dispose();
        foreach (var child in _children) child.Dispose();
        GC.SuppressFinalize(this);
    }

    private string Path(string name) => Name.Length == 0 ? name : $"{Name}.{name}";
}
