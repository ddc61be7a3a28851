using System.Runtime.InteropServices;
using System.Text;
using Fovea.Interop;

namespace Fovea;

/// <summary>One device of one backend: "cpu", "cuda:0", "cuda-emulated:0". Devices live as long as the process.
/// Thread-safe.</summary>
public sealed unsafe class Device
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<nint, Device> Opened = [];

    private Device(fovea_device* handle, string name, DeviceType type, int id)
    {
        Handle = handle;
        Name = name;
        Type = type;
        Id = id;
    }

    /// <summary>The processor; always available.</summary>
    public static Device Cpu => field ??= Open("cpu");

    /// <summary>CUDA's kernels on the processor, checked as they run: for tests, far too slow for work. Its plug-in is built with
    /// the tests and is in no package.</summary>
    /// <exception cref="DeviceException">The plug-in is not there, or was refused.</exception>
    public static Device CudaEmulated => field ??= Open("cuda-emulated:0");

    /// <summary>Every backend that was found, the refused ones with their reason. Looks for plug-ins beside the native library
    /// and in FOVEA_BACKEND_PATH first.</summary>
    public static IReadOnlyList<BackendInfo> Backends
    {
        get
        {
            foreach (var backend in BackendFiles.Names) BackendFiles.TryLoad(backend);
            int count;
            Throw.IfFailed(NativeMethods.fovea_backend_count(&count), "backend_count");
            var backends = new BackendInfo[count];
            for (var i = 0; i < count; i++)
            {
                fovea_backend_info info;
                Throw.IfFailed(NativeMethods.fovea_backend_get(i, &info), "backend_get");
                backends[i] = new BackendInfo(
                    Marshal.PtrToStringUTF8((nint)info.name) ?? "",
                    Marshal.PtrToStringUTF8((nint)info.origin) ?? "",
                    Marshal.PtrToStringUTF8((nint)info.reason),
                    info.device_count,
                    info.abi_version);
            }
            return backends;
        }
    }

    /// <summary>The name of every device of every usable backend, as <see cref="Open"/> takes it.</summary>
    public static IReadOnlyList<string> Names =>
    [
        .. from backend in Backends
           where backend.IsUsable
           from i in Enumerable.Range(0, backend.DeviceCount)
           select backend.Name == "cpu" ? backend.Name : $"{backend.Name}:{i}",
    ];

    /// <summary>The name the device was first opened with.</summary>
    public string Name { get; }

    /// <summary>Kind of device.</summary>
    public DeviceType Type { get; }

    /// <summary>Index among the devices of its kind.</summary>
    public int Id { get; }

    internal fovea_device* Handle { get; }

    /// <summary>Calls on this device's streams have finished when they return, so freed memory may go to any stream at
    /// once.</summary>
    internal bool IsInline => Type == DeviceType.Cpu;

    /// <summary>Opens a device by name; the same device gives the same object. A plug-in that is named for the first time is
    /// looked for beside the native library and in FOVEA_BACKEND_PATH.</summary>
    /// <exception cref="DeviceException">No backend offers it; the message lists the refused backends.</exception>
    public static Device Open(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        BackendFiles.TryLoad(name.Split(':', 2)[0]);
        fovea_device* handle;
        fixed (byte* utf8 = ZeroTerminated(name))
            Throw.IfFailed(NativeMethods.fovea_device_open((sbyte*)utf8, &handle), "device_open");
        lock (Gate)
        {
            if (!Opened.TryGetValue((nint)handle, out var device))
            {
                fovea_device_info info;
                Throw.IfFailed(NativeMethods.fovea_device_describe(handle, &info), "device_describe");
                Opened.Add((nint)handle, device = new Device(handle, name, (DeviceType)info.type, info.id));
            }
            return device;
        }
    }

    /// <summary>Loads a backend plug-in. A refusal is also listed in <see cref="Backends"/>.</summary>
    /// <exception cref="DeviceException">The plug-in cannot be used; the message says why.</exception>
    public static void LoadBackend(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        fixed (byte* utf8 = ZeroTerminated(path))
            Throw.IfFailed(NativeMethods.fovea_backend_load((sbyte*)utf8), "backend_load");
    }

    /// <summary>Asks the device for its description.</summary>
    public DeviceInfo Describe()
    {
        fovea_device_info info;
        Throw.IfFailed(NativeMethods.fovea_device_describe(Handle, &info), "device_describe");
        return new DeviceInfo(
            (DeviceType)info.type,
            info.id,
            Marshal.PtrToStringUTF8((nint)(&info.name)) ?? "",
            Marshal.PtrToStringUTF8((nint)(&info.detail)) ?? "",
            info.memory_bytes,
            info.compute_units);
    }

    /// <summary>Whether the device still answers. A GPU that failed stays lost for the process: every call on it throws a
    /// <see cref="DeviceException"/> with <see cref="Status.DeviceLost"/> and the first cause. Does not wait for running
    /// work.</summary>
    public bool IsLost => NativeMethods.fovea_device_check(Handle) != fovea_status.FOVEA_OK;

    /// <summary>Work in an order that another library made: <paramref name="native"/> is a cudaStream_t (CUstream) of this device, in
    /// its primary context. It stays its maker's, who keeps it alive; disposing the wrapper leaves it alone.</summary>
    /// <exception cref="ArgumentException">The options ask for other than exact f32 products.</exception>
    /// <exception cref="DeviceException">The handle is no stream of this device, or the device is the CPU.</exception>
    public DeviceStream WrapStream(nint native, DeviceStreamOptions? options = null) =>
        new(this, options ?? new DeviceStreamOptions(), native);

    /// <summary>Creates a stream. Without a pool in the options it gets one of its own.</summary>
    public DeviceStream CreateStream(DeviceStreamOptions? options = null) => new(this, options ?? new DeviceStreamOptions());

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal static byte[] ZeroTerminated(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
