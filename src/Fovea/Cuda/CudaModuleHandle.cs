using System.Runtime.InteropServices;
using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>Owner of a loaded module and of one reference to the device's primary context. Launches in progress and graphs that
/// recorded one hold references, so the module is unloaded behind the last of them.</summary>
internal sealed unsafe class CudaModuleHandle : SafeHandle
{
    private readonly int _device;
    private volatile bool _ended;

    private CudaModuleHandle(int device, CUctx_st* context, CUmod_st* module) : base(0, ownsHandle: true)
    {
        _device = device;
        Context = context;
        SetHandle((nint)module);
    }

    public CUctx_st* Context { get; }

    public CUmod_st* Module => (CUmod_st*)handle;

    public override bool IsInvalid => handle == 0;

    /// <summary>Loads into the primary context of the driver's device <paramref name="ordinal"/>.</summary>
    public static CudaModuleHandle Load(int ordinal, ReadOnlySpan<byte> zeroTerminated)
    {
        const int LogBytes = 16 << 10;
        CudaErrors.Check(CudaDriver.cuInit(0), "cuInit");
        int device;
        CudaErrors.Check(CudaDriver.cuDeviceGet(&device, ordinal), "cuDeviceGet");
        CUctx_st* context;
        CudaErrors.Check(CudaDriver.cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
        try
        {
            using var current = new CudaContext(context);
            var log = new byte[LogBytes];
            CUmod_st* module;
            fixed (byte* image = zeroTerminated, text = log)
            {
                // The driver takes option values by value, in the bits of a pointer.
                var options = stackalloc CUjit_option[] { CUjit_option.CU_JIT_ERROR_LOG_BUFFER, CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
                var values = stackalloc void*[] { text, (void*)LogBytes };
                var result = CudaDriver.cuModuleLoadDataEx(&module, image, 2, options, values);
                CudaErrors.Check(result, "cuModuleLoadDataEx", Marshal.PtrToStringUTF8((nint)text, log.AsSpan().IndexOf((byte)0) is var end && end < 0 ? LogBytes : end));
            }
            return new CudaModuleHandle(device, context, module);
        }
        catch
        {
            _ = CudaDriver.cuDevicePrimaryCtxRelease_v2(device);
            throw;
        }
    }

    /// <summary>One more user, until <see cref="SafeHandle.DangerousRelease"/>. A graph may keep the module after
    /// <see cref="End"/>, but nobody new gets in.</summary>
    public void Enter()
    {
        ObjectDisposedException.ThrowIf(_ended, typeof(CudaModule));
        var added = false;
        DangerousAddRef(ref added);
    }

    /// <summary>Unloads the module behind its last user.</summary>
    public void End()
    {
        _ended = true;
        Dispose();
    }

    protected override bool ReleaseHandle()
    {
        var unloaded = CUresult.CUDA_SUCCESS;
        try
        {
            using var current = new CudaContext(Context);
            unloaded = CudaDriver.cuModuleUnload((CUmod_st*)handle);
        }
        catch (DeviceException)
        {
            // A context that died took its modules along.
        }
        return CudaDriver.cuDevicePrimaryCtxRelease_v2(_device) == CUresult.CUDA_SUCCESS && unloaded == CUresult.CUDA_SUCCESS;
    }
}
