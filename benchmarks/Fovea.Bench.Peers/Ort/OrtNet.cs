using Microsoft.ML.OnnxRuntime;

namespace Fovea.Bench.Peers.Ort;

/// <summary>An ONNX Runtime session and one binding of its input and outputs to memory the caller owns: the cheapest way to run
/// it from C#.</summary>
internal sealed class OrtNet : IDisposable
{
    private readonly RunOptions _options = new();

    /// <summary>Loads a model with every graph optimisation on.</summary>
    /// <param name="model">A serialized model.</param>
    /// <param name="threads">Threads inside an operator.</param>
    /// <param name="profilePrefix">Start of the profile's file name, or null to run without the profiler.</param>
    public OrtNet(byte[] model, int threads, string? profilePrefix = null)
    {
        OrtThreads.Configure();
        using var options = new SessionOptions
        {
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        OrtThreads.Apply(options, threads);
        if (profilePrefix is not null)
        {
            options.ProfileOutputPathPrefix = profilePrefix; // read by the next line: set behind it, the file would land in the current folder
            options.EnableProfiling = true;
        }

        Session = new InferenceSession(model, options);
    }

    public InferenceSession Session { get; }

    /// <summary>Binds the one input and all outputs; the values are used until the binding is disposed.</summary>
    public OrtIoBinding Bind(OrtValue input, params ReadOnlySpan<OrtValue> outputs)
    {
        var binding = Session.CreateIoBinding();
        binding.BindInput(Session.InputNames[0], input);
        for (int i = 0; i < outputs.Length; i++) binding.BindOutput(Session.OutputNames[i], outputs[i]);
        return binding;
    }

    public void Run(OrtIoBinding binding) => Session.RunWithBinding(_options, binding);

    public void Dispose()
    {
        Session.Dispose();
        _options.Dispose();
    }
}
