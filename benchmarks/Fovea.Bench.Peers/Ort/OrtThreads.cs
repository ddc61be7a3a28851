using Microsoft.ML.OnnxRuntime;

namespace Fovea.Bench.Peers.Ort;

/// <summary>One thread pool for all ONNX Runtime sessions. With a pool per session the idle workers of one network would spin
/// against the next one's on the same cores, which would be unfair to the peer.</summary>
internal static class OrtThreads
{
    /// <summary>Threads of the shared pool, the caller included.</summary>
    public static int Shared { get; private set; } = 2;

    /// <summary>Must run before the first session is made; later calls do nothing.</summary>
    public static void Configure(int shared = 2)
    {
        if (OrtEnv.IsCreated) return;
        Shared = shared;
        using var threads = new OrtThreadingOptions { GlobalIntraOpNumThreads = shared, GlobalInterOpNumThreads = 1, GlobalSpinControl = true };
        var options = new EnvironmentCreationOptions
        {
            logId = "fovea-benchmarks",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            threadOptions = threads,
        };
        OrtEnv.CreateInstanceWithOptions(ref options);
    }

    /// <summary>Gives a session no workers for 1 thread, else the shared pool.</summary>
    public static void Apply(SessionOptions options, int threads)
    {
        if (threads != 1 && threads != Shared) throw new ArgumentOutOfRangeException(nameof(threads), threads, $"The peer runs with 1 or {Shared} threads.");
        options.IntraOpNumThreads = threads;
        options.InterOpNumThreads = 1;
        if (threads != 1) options.DisablePerSessionThreads();
    }
}
