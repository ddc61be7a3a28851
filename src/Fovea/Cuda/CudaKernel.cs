using Fovea.Interop;
using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>A kernel of a <see cref="CudaModule"/>. Valid until the module is disposed. Thread-safe; each stream, as ever, is for
/// one thread at a time, which launches of own kernels do not check.</summary>
public sealed unsafe class CudaKernel
{
    /// <summary>Most arguments of a launch.</summary>
    public const int LargestArgumentCount = 128;

    // What every device grants without asking.
    private const int DefaultSharedBytes = 48 << 10;

    private readonly CudaModuleHandle _module;
    private readonly CUfunc_st* _function;
    private readonly int[]? _parameters;
    private int _sharedBytes = DefaultSharedBytes;

    internal CudaKernel(Device device, CudaModuleHandle module, CUfunc_st* function, string name)
    {
        Device = device;
        Name = name;
        _module = module;
        _function = function;
        _parameters = Parameters(function);
        MaxThreadsPerBlock = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
        RegisterCount = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
        StaticSharedBytes = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
        LocalBytes = Attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
    }

    /// <summary>The device it is loaded on.</summary>
    public Device Device { get; }

    /// <summary>The name it was asked for by.</summary>
    public string Name { get; }

    /// <summary>Most threads of a block.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Registers of a thread.</summary>
    public int RegisterCount { get; }

    /// <summary>Shared memory that the kernel declares, of a block.</summary>
    public int StaticSharedBytes { get; }

    /// <summary>Local memory of a thread: spilled registers and arrays.</summary>
    public int LocalBytes { get; }

    /// <summary>Bytes of each parameter; null where the driver is older than CUDA 12.4 and cannot tell.</summary>
    public IReadOnlyList<int>? ParameterSizes => _parameters;

    /// <summary>Enqueues the kernel; may be captured, and the graph then keeps the tensors and the module. Checks the launch shape,
    /// the devices of the tensors, and number and sizes of the arguments where the driver tells them; not what the kernel does
    /// with them. No managed garbage.</summary>
    /// <exception cref="ArgumentException">The launch shape or an argument does not fit.</exception>
    /// <exception cref="ObjectDisposedException">The module or a tensor was disposed.</exception>
    /// <exception cref="DeviceException">The driver refused the launch.</exception>
    public void Launch(DeviceStream stream, in CudaLaunch launch, params ReadOnlySpan<CudaArgument> arguments)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Device != Device) throw new ArgumentException($"kernel {Name} is on {Device}, the stream on {stream.Device}", nameof(stream));
        launch.Check(Name, MaxThreadsPerBlock);
        CudaArgument.Check(Name, Device, _parameters, _parameters is not null, arguments);
        _module.Enter();
        try
        {
            using var call = new KernelCall(stream, Name, arguments);
            void* native;
            Throw.IfFailed(NativeMethods.fovea_stream_native(call.Stream, &native), Name);
            var values = stackalloc (ulong, ulong)[arguments.Length];
            var pointers = stackalloc void*[arguments.Length];
            CudaArgument.Pack(arguments, values, pointers);
            using (new CudaContext(_module.Context))
            {
                AllowShared(launch.SharedBytes);
                CudaErrors.Check(Enqueue(launch, (CUstream_st*)native, pointers), "cuLaunchKernel", null);
            }
            call.Recorded(_module);
        }
        finally
        {
            _module.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private CUresult Enqueue(in CudaLaunch launch, CUstream_st* stream, void** arguments)
    {
        CudaDim grid = launch.Grid, block = launch.Block, cluster = launch.Cluster;
        if (cluster == default)
            return CudaDriver.cuLaunchKernel(_function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)block.X, (uint)block.Y, (uint)block.Z,
                (uint)launch.SharedBytes, stream, arguments, null);
        var attribute = new CUlaunchAttribute { id = CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION };
        attribute.value.clusterDim.x = (uint)cluster.X;
        attribute.value.clusterDim.y = (uint)cluster.Y;
        attribute.value.clusterDim.z = (uint)cluster.Z;
        var config = new CUlaunchConfig
        {
            gridDimX = (uint)grid.X,
            gridDimY = (uint)grid.Y,
            gridDimZ = (uint)grid.Z,
            blockDimX = (uint)block.X,
            blockDimY = (uint)block.Y,
            blockDimZ = (uint)block.Z,
            sharedMemBytes = (uint)launch.SharedBytes,
            hStream = stream,
            attrs = &attribute,
            numAttrs = 1,
        };
        return CudaDriver.cuLaunchKernelEx(&config, _function, arguments, null);
    }

    // More than 48 KiB must be asked for once per kernel. Two threads may both ask: the larger value wins or is asked for again.
    private void AllowShared(int bytes)
    {
        if (bytes <= Volatile.Read(ref _sharedBytes)) return;
        CudaErrors.Check(CudaDriver.cuFuncSetAttribute(_function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
            "cuFuncSetAttribute");
        Volatile.Write(ref _sharedBytes, bytes);
    }

    private int Attribute(CUfunction_attribute attribute)
    {
        int value;
        CudaErrors.Check(CudaDriver.cuFuncGetAttribute(&value, attribute, _function), "cuFuncGetAttribute");
        return value;
    }

    private static int[]? Parameters(CUfunc_st* function)
    {
        if (!CudaLibraries.Driver.Exports(nameof(CudaDriver.cuFuncGetParamInfo))) return null;
        var sizes = new List<int>();
        nuint offset, size;
        while (CudaDriver.cuFuncGetParamInfo(function, (nuint)sizes.Count, &offset, &size) == CUresult.CUDA_SUCCESS) sizes.Add((int)size);
        return [.. sizes];
    }
}
