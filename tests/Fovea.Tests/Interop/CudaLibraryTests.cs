using System.Runtime.InteropServices;
using Fovea.Interop.Cuda;
using Xunit;

namespace Fovea.Tests.Interop;

/// <summary>How the driver and NVRTC are found, and what is said when they are not.</summary>
public sealed unsafe class CudaLibraryTests
{
    [Fact]
    public void StructsHaveTheLayoutOfTheHeader()
    {
        // sizeof and offsetof in cuda.h of CUDA 12.4, on a 64-bit machine.
        Assert.Equal((56, 72, 64, 32, 2), (sizeof(CUlaunchConfig), sizeof(CUlaunchAttribute), sizeof(CUlaunchAttributeValue),
            sizeof(CUaccessPolicyWindow), sizeof(CUlaunchMemSyncDomainMap)));
        CUlaunchConfig config;
        Assert.Equal((32, 40, 48), (Offset(&config, &config.hStream), Offset(&config, &config.attrs), Offset(&config, &config.numAttrs)));
        CUlaunchAttribute attribute;
        Assert.Equal(8, Offset(&attribute, &attribute.value));
    }

    [Fact]
    public void ADriverThatIsMissingIsOneSentence()
    {
        Assert.SkipWhen(CudaLibraries.Driver.TryLoad(out var failure), "this machine has an NVIDIA driver");
        Assert.StartsWith("no NVIDIA driver: libcuda.so.1 (system): libcuda.so.1: cannot open shared object file", failure, StringComparison.Ordinal);
        var e = Assert.Throws<DllNotFoundException>(() => CudaDriver.cuInit(0));
        Assert.Equal(failure, e.Message);
        Assert.Equal(0, CudaLibraries.DriverVersion());
        Assert.Null(CudaLibraries.Driver.LoadedPath);
        Assert.False(CudaLibraries.Driver.Exports("cuInit"));
    }

    [Fact]
    public void NvrtcIsFoundOrEveryPlaceIsNamed()
    {
        if (CudaLibraries.Nvrtc.TryLoad(out var failure))
        {
            int major, minor;
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, Nvrtc.nvrtcVersion(&major, &minor));
            Assert.True(major >= 12);
            Assert.Equal("NVRTC_ERROR_COMPILATION", Marshal.PtrToStringUTF8((nint)Nvrtc.nvrtcGetErrorString(nvrtcResult.NVRTC_ERROR_COMPILATION)));
            return;
        }
        Assert.StartsWith("no NVRTC, the run-time compiler of CUDA: ", failure, StringComparison.Ordinal);
        foreach (var attempt in CudaLibraries.Nvrtc.Attempts) Assert.Contains(attempt.ToString(), failure, StringComparison.Ordinal);
        Assert.EndsWith($"set {CudaLibraries.NvrtcPathVariable} to its file or folder.", failure, StringComparison.Ordinal);
        Assert.Equal(failure, Assert.Throws<DllNotFoundException>(() => Nvrtc.nvrtcGetErrorString(nvrtcResult.NVRTC_SUCCESS)).Message);
    }

    [Fact]
    public void NvrtcOfTheDriversVersionComesFirst()
    {
        var folder = Path.GetTempPath();
        string? Environment(string name) => name == CudaLibraries.NvrtcPathVariable ? folder : name == "CUDA_PATH" ? "/" : null;
        var candidates = CudaLibraries.NvrtcCandidates(Environment, 12040).ToArray();
        Assert.Equal(
        [
            (CudaLibraries.NvrtcPathVariable, Path.Combine(folder, "libnvrtc.so.12")),
            (CudaLibraries.NvrtcPathVariable, Path.Combine(folder, "libnvrtc.so.13")),
            ("system", "libnvrtc.so.12"),
            ("system", "libnvrtc.so.13"),
            ("CUDA_PATH", "/lib64/libnvrtc.so.12"),
            ("CUDA_PATH", "/lib64/libnvrtc.so.13"),
        ], candidates.Take(6));
        Assert.Equal("libnvrtc.so.13", CudaLibraries.NvrtcCandidates(_ => null, 13000).First().Path);
        Assert.Equal((CudaLibraries.NvrtcPathVariable, "/no/file.so"),
            CudaLibraries.NvrtcCandidates(name => name == CudaLibraries.NvrtcPathVariable ? "/no/file.so" : null, 0).First());
    }

    [Fact]
    public void AnotherLibraryIsRefusedWithTheReason()
    {
        var library = new CudaLibrary("no test", "Advice.", () => [("a", "/no/such.so"), ("b", "libc.so.6"), ("c", "libm.so.6")],
            handle => NativeLibrary.TryGetExport(handle, "sqrt", out _) ? null : "it has no sqrt");
        Assert.True(library.TryLoad(out _));
        Assert.Equal(["/no/such.so (a): no such file", "libc.so.6 (b): it has no sqrt", "libm.so.6 (c): loaded"],
            library.Attempts.Select(a => a.ToString()));
        Assert.Equal("libm.so.6", library.LoadedPath);
        Assert.True(library.Exports("cos"));
        Assert.False(library.Exports("no_such_function"));
        var refused = new CudaLibrary("no test", "Advice.", () => [("b", "libm.so.6")], _ => "it is not");
        Assert.False(refused.TryLoad(out var failure));
        Assert.Equal("no test: libm.so.6 (b): it is not. Advice.", failure);
    }

    private static int Offset(void* start, void* field) => (int)((byte*)field - (byte*)start);
}
