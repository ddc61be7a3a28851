using System.Reflection;
using System.Runtime.Loader;

namespace Fovea.Bench.Peers;

/// <summary>Brings peers in at run time, so that nothing of them is a dependency of the tool.</summary>
public static class PeerLoader
{
    public const string AssemblyName = "Fovea.Bench.Peers";

    /// <summary>Where the plug-in lies: beside the tool, or where the environment variable says.</summary>
    public static string Folder => Environment.GetEnvironmentVariable("FOVEA_BENCH_PEERS") ?? Path.Combine(AppContext.BaseDirectory, "peers");

    /// <summary>The peers.</summary>
    /// <exception cref="PeersNotBuiltException">The plug-in is absent.</exception>
    public static IReadOnlyList<IPeer> Load(int threads, Action<string> note)
    {
        string path = Path.GetFullPath(Path.Combine(Folder, AssemblyName + ".dll"));
        if (!File.Exists(path)) throw new PeersNotBuiltException($"the peers are not built: run build/bench.sh, which puts them into {Folder}");
        var assembly = new PluginContext(path).LoadFromAssemblyPath(path);
        var type = assembly.GetExportedTypes().Single(t => t.IsClass && typeof(IPeerPlugin).IsAssignableFrom(t));
        return ((IPeerPlugin)Activator.CreateInstance(type)!).Open(threads, note);
    }

    private sealed class PluginContext(string path) : AssemblyLoadContext(AssemblyName)
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        // What the tool itself has must be shared: a second Fovea.Bench would have its own IPeer, a second Fovea its own thread pool.
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            try
            {
                return Default.LoadFromAssemblyName(assemblyName);
            }
            catch (FileNotFoundException)
            {
                return _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
            }
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } found ? LoadUnmanagedDllFromPath(found) : 0;
    }
}
