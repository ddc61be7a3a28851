using Fovea.Bench.Peers.Ort;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>R-Net or O-Net over batches of crops. Full batches use one binding made once; the last, smaller one is bound anew.</summary>
internal sealed class OrtCropNet : IDisposable
{
    private readonly OrtNet _net;
    private readonly NativeFloats _input;
    private readonly NativeFloats[] _outputs;
    private readonly int[] _columns;
    private readonly OrtValue[] _values;
    private readonly OrtIoBinding _full;

    /// <param name="columns">Width of each output.</param>
    public OrtCropNet(byte[] model, int threads, int window, int batch, params int[] columns)
    {
        _net = new OrtNet(model, threads);
        Window = window;
        Batch = batch;
        _columns = columns;
        _input = new NativeFloats((long)batch * 3 * window * window);
        _outputs = [.. columns.Select(width => new NativeFloats((long)batch * width))];
        _values = Values(batch);
        _full = _net.Bind(_values[0], _values.AsSpan(1));
    }

    public int Window { get; }

    public int Batch { get; }

    /// <summary>Crops of the next batch, <c>[N][3][window][window]</c>.</summary>
    public Span<float> Input => _input.Span;

    /// <summary>Output <paramref name="index"/> of the last batch, row by row.</summary>
    public ReadOnlySpan<float> Output(int index) => _outputs[index].Span;

    public void Run(int rows)
    {
        if (rows == Batch)
        {
            _net.Run(_full);
            return;
        }

        var values = Values(rows);
        using (var binding = _net.Bind(values[0], values.AsSpan(1))) _net.Run(binding);
        foreach (var value in values) value.Dispose();
    }

    public void Dispose()
    {
        _full.Dispose();
        foreach (var value in _values) value.Dispose();
        foreach (var output in _outputs) output.Dispose();
        _input.Dispose();
        _net.Dispose();
    }

    private OrtValue[] Values(int rows)
    {
        var values = new OrtValue[1 + _outputs.Length];
        values[0] = _input.Tensor(rows, 3, Window, Window);
        for (int i = 0; i < _outputs.Length; i++) values[i + 1] = _outputs[i].Tensor(rows, _columns[i]);
        return values;
    }
}
