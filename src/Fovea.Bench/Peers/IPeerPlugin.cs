namespace Fovea.Bench.Peers;

/// <summary>The entry of the plug-in assembly: a public class of this interface with a constructor without arguments.</summary>
public interface IPeerPlugin
{
    /// <summary>The runtimes that work on this machine, made once per process.</summary>
    /// <param name="threads">Most threads that will be asked for.</param>
    /// <param name="note">Told about a runtime that was built in but does not load.</param>
    IReadOnlyList<IPeer> Open(int threads, Action<string> note);
}
