using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Bench.Peers.Ort;

/// <summary>What ONNX Runtime's own profiler says about the operators of one kind: their time inside a network, without the changes of
/// layout around a lone one.</summary>
internal sealed class OrtProfile(string operation) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-bench-").FullName;

    /// <summary>For the session's options.</summary>
    public string Prefix => Path.Combine(_folder, "profile");

    /// <summary>Ends profiling: seconds of all such operators in each run, in order. The profiler counts whole microseconds.</summary>
    public IReadOnlyList<double> Read(InferenceSession session)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(session.EndProfiling()));
        List<double> runs = [];
        double current = 0;
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            string name = entry.GetProperty("name").GetString()!;
            // A run's own entry comes after those of its nodes.
            if (name == "model_run")
            {
                runs.Add(current);
                current = 0;
            }
            else if (name.EndsWith("_kernel_time", StringComparison.Ordinal)
                && entry.GetProperty("args").GetProperty("op_name").GetString()!.Contains(operation, StringComparison.Ordinal))
            {
                current += 1e-6 * entry.GetProperty("dur").GetInt64();
            }
        }

        return runs;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
