using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Fovea.Interop.Cuda;

namespace Fovea.Interop;

/// <summary>Finds the native library and remembers every attempt. Order: the file or directory in FOVEA_LIBRARY_PATH, the
/// application's folder and this assembly's, runtimes/&lt;rid&gt;/native under both, the system's search path. Nothing happens
/// until the first native call; a failure is a <see cref="DllNotFoundException"/> that lists the attempts, and the next call
/// tries again.</summary>
public static unsafe class NativeLibraryResolver
{
    /// <summary>Environment variable that names a file or a directory.</summary>
    public const string PathVariable = "FOVEA_LIBRARY_PATH";

    /// <summary>File name of the library.</summary>
    public const string FileName = "libfovea.so";

    private const string RuntimeIdentifier = "linux-x64";

    private static readonly Lock Gate = new();
    private static volatile LoadAttempt[] s_attempts = [];
    private static nint s_library;

    /// <summary>What the last resolution tried, in order; empty before the first native call.</summary>
    public static IReadOnlyList<LoadAttempt> Attempts => s_attempts;

    /// <summary>The file in use; null before the first native call and after a failure.</summary>
    public static string? LoadedPath => s_attempts is [.., { Failure: null } last] ? last.Path : null;

    /// <summary>Where the library is looked for, in order. An empty path stands for the system's search.</summary>
    public static IEnumerable<(string Origin, string Path)> Candidates(string? userPath, params IEnumerable<string> folders)
    {
        if (!string.IsNullOrEmpty(userPath))
            yield return (PathVariable, Directory.Exists(userPath) ? Path.Combine(userPath, FileName) : userPath);
        var distinct = folders.Where(f => f.Length > 0).Select(Path.TrimEndingDirectorySeparator).Distinct().ToArray();
        foreach (var folder in distinct) yield return ("application folder", Path.Combine(folder, FileName));
        foreach (var folder in distinct)
            yield return ("package folder", Path.Combine(folder, "runtimes", RuntimeIdentifier, "native", FileName));
        yield return ("system", FileName);
    }

    /// <summary>Tries the candidates in order until one loads with the right ABI version.</summary>
    /// <returns>The library's handle, or 0; <paramref name="attempts"/> says why.</returns>
    public static nint Load(IEnumerable<(string Origin, string Path)> candidates, out LoadAttempt[] attempts)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        var tried = new List<LoadAttempt>();
        nint library = 0;
        foreach (var (origin, path) in candidates)
        {
            library = TryLoad(path, out var failure);
            tried.Add(new LoadAttempt(origin, path, failure));
            if (library != 0) break;
        }
        attempts = [.. tried];
        return library;
    }

    /// <summary>The sentence of the exception when nothing could be loaded.</summary>
    public static string FailureMessage(IEnumerable<LoadAttempt> attempts)
    {
        ArgumentNullException.ThrowIfNull(attempts);
        var text = new StringBuilder("The native library of Fovea could not be loaded. Tried, in order:");
        foreach (var attempt in attempts) text.Append("\n  ").Append(attempt);
        return text.Append("\nSet ").Append(PathVariable).Append(" to the library's file or folder to use another one.").ToString();
    }

    // A module initializer, not a static constructor: whatever goes wrong later surfaces at the native call that needed the
    // library, never as a TypeInitializationException.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must be in place before the first call into the generated bindings.")]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraryResolver).Assembly, Resolve);

    private static nint Resolve(string libraryName, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (libraryName != "fovea") return CudaLibraries.Resolve(libraryName);
        lock (Gate)
        {
            if (s_library != 0) return s_library;
            s_library = Load(Candidates(Environment.GetEnvironmentVariable(PathVariable), AppContext.BaseDirectory, AssemblyFolder()), out var attempts);
            s_attempts = attempts;
            return s_library != 0 ? s_library : throw new DllNotFoundException(FailureMessage(attempts));
        }
    }

    /// <summary>Opens a library, or says why the loader would not.</summary>
    internal static nint Open(string path, out string? failure)
    {
        failure = null;
        if (Path.IsPathRooted(path) && !File.Exists(path))
        {
            failure = "no such file";
            return 0;
        }
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            failure = LoaderMessage(e.Message);
            return 0;
        }
    }

    private static nint TryLoad(string path, out string? failure)
    {
        var library = Open(path, out failure);
        if (library == 0) return 0;
        if (!NativeLibrary.TryGetExport(library, "fovea_abi_version", out var export))
            failure = "it exports no fovea_abi_version, so it is not Fovea";
        else if (((delegate* unmanaged[Cdecl]<int>)export)() is var version && version != NativeMethods.FOVEA_ABI_VERSION)
            failure = $"it has ABI version {version}, these bindings need {NativeMethods.FOVEA_ABI_VERSION}";
        if (failure is null) return library;
        NativeLibrary.Free(library);
        return 0;
    }

    /// <summary>.NET puts a paragraph of advice before the loader's own lines; only those say what is wrong.</summary>
    private static string LoaderMessage(string message)
    {
        var lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length <= 1 ? message : string.Join("; ", lines.Skip(1).Distinct());
    }

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Empty in a single-file application, which is handled.")]
    private static string AssemblyFolder() => Path.GetDirectoryName(typeof(NativeLibraryResolver).Assembly.Location) ?? "";
}
