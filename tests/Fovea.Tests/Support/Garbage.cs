namespace Fovea.Tests.Support;

internal static class Garbage
{
    /// <summary>Managed bytes that one steady-state call allocates on this thread. The smallest of several rounds: the runtime
    /// itself allocates now and then, for example when it compiles a method again.</summary>
    public static long Of(Action action)
    {
        for (var i = 0; i < 5; i++) action();
        var least = long.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
