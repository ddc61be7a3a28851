using Fovea.Interop;

namespace Fovea;

/// <summary>Finds the plug-in of a backend by name: libfovea_cuda.so or libfovea_cuda_emulated.so beside the native library, where the
/// packages put them, or in FOVEA_BACKEND_PATH. Each file is tried once per process.</summary>
internal static class BackendFiles
{
    /// <summary>Environment variable that names a folder searched first.</summary>
    public const string PathVariable = "FOVEA_BACKEND_PATH";

    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Tried = [];

    /// <summary>Every backend that may come as a plug-in.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cuda", "cuda-emulated"];

    /// <summary>Loads the plug-in of <paramref name="backend"/> when a file for it is there. A refusal is kept in
    /// <see cref="Device.Backends"/>; nothing is thrown.</summary>
    public static unsafe void TryLoad(string backend)
    {
        if (!Names.Contains(backend)) return;
        _ = NativeMethods.fovea_abi_version(); // resolves the native library
        var file = $"libfovea_{backend.Replace('-', '_')}.so";
        string?[] folders = [Environment.GetEnvironmentVariable(PathVariable), Path.GetDirectoryName(NativeLibraryResolver.LoadedPath)];
        foreach (var folder in folders)
        {
            if (string.IsNullOrEmpty(folder) || Path.Combine(folder, file) is var path && !File.Exists(path)) continue;
            lock (Gate)
            {
                if (!Tried.Add(path)) return;
            }
            fixed (byte* utf8 = Device.ZeroTerminated(path)) _ = NativeMethods.fovea_backend_load((sbyte*)utf8);
            return;
        }
    }
}
