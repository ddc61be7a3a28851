namespace Fovea.Training;

/// <summary>Where results wait that a plan keeps, but not as they are: pinned host memory, or bf16. Copies to and from the host
/// run on a stream of their own, beside the kernels; on the CPU, whose streams run inline, on the same one.</summary>
internal sealed class OtherStorage : IDisposable
{
    private readonly DeviceStream _compute;
    private readonly DeviceStream? _copies;
    private readonly PinnedBuffer?[] _host;    // by root slot
    private readonly DeviceTensor?[] _narrow;  // by root slot
    private readonly DeviceEvent?[] _copied;   // by root slot: end of the last copy to the host
    private readonly DeviceEvent?[] _arrived;  // by root slot: end of the copy back
    private readonly bool[] _isArriving;
    private readonly DeviceEvent? _ready;

    public OtherStorage(DeviceStream compute, int slots)
    {
        _compute = compute;
        _host = new PinnedBuffer?[slots];
        _narrow = new DeviceTensor?[slots];
        _copied = new DeviceEvent?[slots];
        _arrived = new DeviceEvent?[slots];
        _isArriving = new bool[slots];
        if (compute.Device.Type == DeviceType.Cpu) return;
        _copies = compute.Device.CreateStream(new DeviceStreamOptions { Pool = compute.Pool });
        _ready = new DeviceEvent(compute.Device);
    }

    public void Offload(int root, DeviceTensor tensor)
    {
        var bytes = checked((int)(tensor.ElementCount * tensor.DType.Size()));
        Branch();
        tensor.CopyTo(_copies ?? _compute, _host[root] ??= new PinnedBuffer(_compute.Device, bytes));
        _copies?.Record(_copied[root] ??= new DeviceEvent(_compute.Device));
    }

    /// <summary>After this the compute stream is behind the copy, so the memory may be its own again.</summary>
    public void Release(int root, DeviceTensor tensor)
    {
        if (_copies is null) return;
        _compute.Wait(_copied[root] ?? throw new InvalidOperationException($"%{root} was never offloaded"));
        tensor.ReturnTo(_compute);
    }

    public void Prefetch(int root, DeviceTensor tensor)
    {
        var buffer = _host[root] ?? throw new InvalidOperationException($"%{root} is not on the host");
        Branch();
        tensor.CopyFrom(_copies ?? _compute, buffer);
        if (_copies is null) return;
        _copies.Record(_arrived[root] ??= new DeviceEvent(_compute.Device));
        _isArriving[root] = true;
        tensor.ReturnTo(_compute); // its readers wait, so the compute stream is the last to use it
    }

    public void Narrow(int root, DeviceTensor tensor)
    {
        _narrow[root]?.Dispose();
        var narrow = _narrow[root] = DeviceTensor.Allocate(_compute, DType.BFloat16, tensor.Shape);
        Kernels.Copy(_compute, tensor, narrow);
    }

    public void Widen(int root, DeviceTensor tensor)
    {
        var narrow = _narrow[root] ?? throw new InvalidOperationException($"%{root} was never narrowed");
        Kernels.Copy(_compute, narrow, tensor);
        narrow.Dispose();
        _narrow[root] = null;
    }

    public void Await(int root)
    {
        if (!_isArriving[root]) return;
        _compute.Wait(_arrived[root]!);
        _isArriving[root] = false;
    }

    public void Clear()
    {
        for (var root = 0; root < _narrow.Length; root++)
        {
            _narrow[root]?.Dispose();
            _narrow[root] = null;
            Await(root);
        }
    }

    public void Dispose()
    {
        Clear();
        _copies?.Synchronize();
        for (var root = 0; root < _host.Length; root++)
        {
            ((IDisposable?)_host[root])?.Dispose();
            _copied[root]?.Dispose();
            _arrived[root]?.Dispose();
        }
        _ready?.Dispose();
        _copies?.Dispose();
    }

    // Copies begin when what the compute stream has been given so far is done.
    private void Branch()
    {
        if (_copies is null) return;
        _compute.Record(_ready!);
        _copies.Wait(_ready!);
    }
}
