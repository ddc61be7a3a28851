using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>Kernels of your own: CUDA C++ compiled at run time, PTX or a cubin, loaded on one GPU. Thread-safe. Dispose it when
/// the launches have finished; graphs that recorded one keep the module until they are disposed.</summary>
public sealed unsafe class CudaModule : IDisposable
{
    private readonly CudaModuleHandle _handle;

    private CudaModule(Device device, CudaImage image)
    {
        Device = device;
        Image = image;
        _handle = CudaModuleHandle.Load(device.Id, image.ZeroTerminated);
    }

    /// <summary>The device it is loaded on.</summary>
    public Device Device { get; }

    /// <summary>What was loaded.</summary>
    public CudaImage Image { get; }

    /// <summary>Compiles CUDA C++ with NVRTC for <paramref name="device"/> and loads it.</summary>
    /// <exception cref="DeviceException">There is no driver or no NVRTC, the source does not compile (the message holds the log), or
    /// the device is not a GPU.</exception>
    public static CudaModule Compile(Device device, string source, CudaCompileOptions? options = null)
    {
        CheckDevice(device);
        options ??= new CudaCompileOptions();
        if (options.Architecture is null) options = options with { Architecture = CudaImage.ArchitectureFor(ComputeCapability(device.Id)) };
        return new CudaModule(device, CudaImage.Compile(source, options));
    }

    /// <summary>Loads an image; the driver compiles PTX for the device.</summary>
    /// <exception cref="DeviceException">There is no driver, the image is not for this device (the message holds the driver's log),
    /// or the device is not a GPU.</exception>
    public static CudaModule Load(Device device, CudaImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        CheckDevice(device);
        return new CudaModule(device, image);
    }

    /// <summary>Finds a kernel: by its name where it is <c>extern "C"</c>, else by the expression given in
    /// <see cref="CudaCompileOptions.Kernels"/>.</summary>
    /// <exception cref="DeviceException">There is no such kernel.</exception>
    public CudaKernel GetKernel(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _handle.Enter();
        try
        {
            using var current = new CudaContext(_handle.Context);
            CUfunc_st* function;
            fixed (byte* utf8 = Device.ZeroTerminated(Image.LoweredNames.GetValueOrDefault(name, name)))
            {
                var result = CudaDriver.cuModuleGetFunction(&function, _handle.Module, (sbyte*)utf8);
                CudaErrors.Check(result, "cuModuleGetFunction", result == CUresult.CUDA_ERROR_NOT_FOUND
                    ? $"the module has no kernel '{name}'; a kernel that is not extern \"C\" must be named in CudaCompileOptions.Kernels"
                    : null);
            }
            return new CudaKernel(Device, _handle, function, name);
        }
        finally
        {
            _handle.DangerousRelease();
        }
    }

    /// <summary>Unloads the module when the last graph that recorded a launch has gone. Its kernels can no longer be
    /// launched.</summary>
    public void Dispose() => _handle.End();

    /// <summary>As <see cref="Load"/>, whatever the device: for tests against a driver that is none.</summary>
    internal static CudaModule LoadUnchecked(Device device, CudaImage image) => new(device, image);

    private static void CheckDevice(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Type == DeviceType.CudaEmulated)
            throw new DeviceException(Status.Unsupported, "cuda_module",
                $"a CudaModule cannot be loaded on {device}: the emulator runs kernels that were compiled into its plug-in, and source cannot be compiled at run time there");
        if (device.Type != DeviceType.Cuda)
            throw new DeviceException(Status.Unsupported, "cuda_module", $"a CudaModule needs an NVIDIA GPU, {device} is none");
        RequireDriver();
    }

    internal static void RequireDriver()
    {
        if (!CudaLibraries.Driver.TryLoad(out var failure)) throw new DeviceException(Status.NotFound, "cuda_module", failure!);
    }

    private static int ComputeCapability(int ordinal)
    {
        CudaErrors.Check(CudaDriver.cuInit(0), "cuInit");
        int device, major, minor;
        CudaErrors.Check(CudaDriver.cuDeviceGet(&device, ordinal), "cuDeviceGet");
        CudaErrors.Check(CudaDriver.cuDeviceGetAttribute(&major, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device), "cuDeviceGetAttribute");
        CudaErrors.Check(CudaDriver.cuDeviceGetAttribute(&minor, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device), "cuDeviceGetAttribute");
        return 10 * major + minor;
    }
}
