namespace Fovea.Tests.Cases;

/// <summary>The tensors of a case and the call. Running twice gives the same outputs.</summary>
public sealed class KernelRun : IDisposable
{
    private readonly List<DeviceTensor> _owned = [];

    public List<DeviceTensor> Inputs { get; } = [];

    public List<DeviceTensor> Outputs { get; } = [];

    public Action<DeviceStream> Call { get; set; } = _ => { };

    public DeviceTensor Input(DeviceTensor tensor)
    {
        Inputs.Add(Own(tensor));
        return tensor;
    }

    public DeviceTensor Output(DeviceTensor tensor)
    {
        Outputs.Add(Own(tensor));
        return tensor;
    }

    /// <summary>Disposed with the case, but not compared.</summary>
    public DeviceTensor Own(DeviceTensor tensor)
    {
        _owned.Add(tensor);
        return tensor;
    }

    public void Dispose()
    {
        foreach (var tensor in _owned) tensor.Dispose();
    }
}
