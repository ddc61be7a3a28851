using Fovea.Bench.Measure;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Bench.Peers.Ort;

/// <summary>A session with its inputs and outputs bound to native memory: the cheapest way to run ONNX Runtime from C#.</summary>
internal sealed class OrtModel : IDisposable
{
    private readonly OrtNet _net;
    private readonly OrtIoBinding _binding;
    private readonly List<IDisposable> _owned = [];
    private readonly List<NativeFloats> _inputs = [];
    private readonly OrtProfile? _profile;
    private readonly NativeFloats? _output;

    /// <param name="model">A serialized model.</param>
    /// <param name="threads">Threads inside an operator.</param>
    /// <param name="inputs">Data and shape of every input, in the model's order.</param>
    /// <param name="output">Shape of the first output, or null where it is known only after a run.</param>
    /// <param name="profiled">Name of the operators whose own time is asked for, or null to run without the profiler.</param>
    /// <param name="inPlace">So many last outputs are written over the last inputs, in their order.</param>
    public OrtModel(byte[] model, int threads, IReadOnlyList<(float[] Data, long[] Shape)> inputs, long[]? output, string? profiled = null, int inPlace = 0)
    {
        _profile = profiled is null ? null : new OrtProfile(profiled);
        _net = new OrtNet(model, threads, _profile is null ? null : _profile.Prefix);
        _binding = _net.Session.CreateIoBinding();
        var names = _net.Session.OutputNames;
        int kept = names.Count - inPlace;
        for (int i = 0; i < inputs.Count; i++)
        {
            var memory = new NativeFloats(inputs[i].Data.Length);
            inputs[i].Data.CopyTo(memory.Span);
            var value = memory.Tensor(inputs[i].Shape);
            _owned.AddRange([memory, value]);
            _inputs.Add(memory);
            _binding.BindInput(_net.Session.InputNames[i], value);
            if (i >= inputs.Count - inPlace) _binding.BindOutput(names[i - inputs.Count + names.Count], value);
        }

        if (output is null)
        {
            foreach (string name in names.Take(kept)) _binding.BindOutputToDevice(name, OrtMemoryInfo.DefaultInstance);
            return;
        }

        long elements = output.Aggregate(1L, (a, b) => a * b);
        _output = new NativeFloats(elements);
        var bound = _output.Tensor(output);
        _owned.AddRange([_output, bound]);
        _binding.BindOutput(names[0], bound);
        foreach (string name in names.Take(kept).Skip(1)) _binding.BindOutputToDevice(name, OrtMemoryInfo.DefaultInstance);
    }

    public void Run() => _net.Run(_binding);

    /// <summary>The bound output.</summary>
    public float[] Read() => _output!.Span.ToArray();

    /// <summary>An input as it is now.</summary>
    public float[] ReadInput(int index) => _inputs[index].Span.ToArray();

    /// <summary>The outputs of the last run, where they were not bound. The caller disposes them.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Outputs() => _binding.GetOutputValues();

    /// <summary>This model as a contestant that owns it.</summary>
    /// <param name="name">Name in the table.</param>
    /// <param name="toWorkload">Brings the output into the workload's layout; null for the same one.</param>
    public Contestant Contestant(string name, Func<float[], float[]>? toWorkload = null) => new(name, Run)
    {
        Read = () => toWorkload is null ? Read() : toWorkload(Read()),
        InnerSeconds = _profile is null ? null : () => _profile.Read(_net.Session),
        IsKernelAlone = _profile is not null,
        Owned = [this],
    };

    public void Dispose()
    {
        _binding.Dispose();
        _net.Dispose();
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _profile?.Dispose();
    }
}
