using System.Globalization;
using System.Runtime.InteropServices;

namespace Fovea.Interop.Cuda;

/// <summary>Where the bindings of this namespace find their libraries: the driver in FOVEA_CUDA_DRIVER_PATH or the system
/// (libcuda.so.1 comes with it), NVRTC in FOVEA_NVRTC_PATH, the system or a CUDA toolkit. Nothing is loaded before the first
/// call.</summary>
public static unsafe class CudaLibraries
{
    /// <summary>Environment variable that names the driver's library, where the system does not find the right one.</summary>
    public const string DriverPathVariable = "FOVEA_CUDA_DRIVER_PATH";

    /// <summary>Environment variable that names NVRTC's file or folder.</summary>
    public const string NvrtcPathVariable = "FOVEA_NVRTC_PATH";

    // What the bindings call throughout came with CUDA 12.
    private const int OldestDriver = 12000;

    /// <summary>The NVIDIA driver.</summary>
    public static CudaLibrary Driver { get; } = new(
        "no NVIDIA driver", "It comes with the driver's installation and must match its kernel module.",
        () => Environment.GetEnvironmentVariable(DriverPathVariable) is { Length: > 0 } path
            ? [(DriverPathVariable, path), ("system", "libcuda.so.1")]
            : [("system", "libcuda.so.1")], DriverProblem);

    /// <summary>NVRTC, the run-time compiler of the CUDA toolkit.</summary>
    public static CudaLibrary Nvrtc { get; } = new(
        "no NVRTC, the run-time compiler of CUDA", $"Install the CUDA toolkit's NVRTC, or set {NvrtcPathVariable} to its file or folder.",
        () => NvrtcCandidates(Environment.GetEnvironmentVariable, DriverVersion()), NvrtcProblem);

    /// <summary>The newest CUDA that the driver supports, as 1000 * major + 10 * minor; 0 without a driver.</summary>
    public static int DriverVersion()
    {
        int version;
        return Driver.TryLoad(out _) && CudaDriver.cuDriverGetVersion(&version) == CUresult.CUDA_SUCCESS ? version : 0;
    }

    /// <summary>"12.4" of 12040.</summary>
    public static string VersionText(int version) => string.Create(CultureInfo.InvariantCulture, $"{version / 1000}.{version % 1000 / 10}");

    /// <summary>Where NVRTC is looked for. Code of a newer major version than the driver's may not load, so the driver's own comes
    /// first.</summary>
    public static IEnumerable<(string Origin, string Path)> NvrtcCandidates(Func<string, string?> environment, int driverVersion)
    {
        ArgumentNullException.ThrowIfNull(environment);
        string[] files = driverVersion is 0 or >= 13000 ? ["libnvrtc.so.13", "libnvrtc.so.12"] : ["libnvrtc.so.12", "libnvrtc.so.13"];
        if (environment(NvrtcPathVariable) is { Length: > 0 } given)
        {
            if (!Directory.Exists(given))
                yield return (NvrtcPathVariable, given);
            else
                foreach (var file in files) yield return (NvrtcPathVariable, Path.Combine(given, file));
        }
        foreach (var file in files) yield return ("system", file);
        foreach (var (origin, root) in ((string, string?)[])
                 [("CUDA_HOME", environment("CUDA_HOME")), ("CUDA_PATH", environment("CUDA_PATH")), ("usual place", "/usr/local/cuda")])
        {
            if (string.IsNullOrEmpty(root) || !Directory.Exists(root)) continue;
            foreach (var file in files) yield return (origin, Path.Combine(root, "lib64", file));
        }
    }

    /// <summary>Called by the resolver of this assembly.</summary>
    internal static nint Resolve(string libraryName) => libraryName switch
    {
        "cuda" => Driver.Resolve(),
        "nvrtc" => Nvrtc.Resolve(),
        _ => 0,
    };

    private static string? DriverProblem(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "cuInit", out _) || !NativeLibrary.TryGetExport(library, "cuDriverGetVersion", out var export))
            return "it exports no cuInit, so it is no CUDA driver";
        int version;
        var result = ((delegate* unmanaged[Cdecl]<int*, CUresult>)export)(&version);
        if (result == CUresult.CUDA_ERROR_STUB_LIBRARY) return "it is the toolkit's stub for linking, not a driver";
        if (result != CUresult.CUDA_SUCCESS) return $"it answers {result}";
        return version < OldestDriver ? $"it supports CUDA {VersionText(version)}, needed is {VersionText(OldestDriver)} or newer" : null;
    }

    private static string? NvrtcProblem(nint library) =>
        NativeLibrary.TryGetExport(library, "nvrtcGetSupportedArchs", out _) ? null : "it exports no nvrtcGetSupportedArchs, so it is no NVRTC of CUDA 11.2 or newer";
}
