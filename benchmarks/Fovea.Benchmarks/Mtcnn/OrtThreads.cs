using Microsoft.ML.OnnxRuntime;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>One thread pool for all ONNX Runtime sessions. With a pool per session the idle workers of one network would spin
/// against the next one's on the same cores, which would be unfair to the peer.</summary>
internal static class OrtThreads
{
    /// <summary>Threads of the shared pool, the caller included.</summary>
    public const int Shared = 2;

    /// <summary>Must run before the first session is made; later calls do nothing.</summary>
    public static void Configure()
    {
        if (OrtEnv.IsCreated) return;
        using var threads = new OrtThreadingOptions { GlobalIntraOpNumThreads = Shared, GlobalInterOpNumThreads = 1 };
        var options = new EnvironmentCreationOptions
        {
            logId = "fovea-benchmarks",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            threadOptions = threads,
        };
        OrtEnv.CreateInstanceWithOptions(ref options);
    }

    /// <summary>Gives a session no workers for 1 thread, the shared pool for 2.</summary>
    public static void Apply(SessionOptions options, int threads)
    {
        if (threads != 1 && threads != Shared) throw new ArgumentOutOfRangeException(nameof(threads), threads, $"The peer runs with 1 or {Shared} threads.");
        options.IntraOpNumThreads = threads;
        options.InterOpNumThreads = 1;
        if (threads == Shared) options.DisablePerSessionThreads();
    }
}
