using Fovea.Bench.Peers.Ort;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>P-Net bound to the memory of one pyramid level.</summary>
internal sealed class OrtLevel : IDisposable
{
    private readonly NativeFloats _input, _probability, _regression;
    private readonly OrtValue[] _values;
    private readonly OrtIoBinding _binding;
    private readonly OrtNet _net;

    public OrtLevel(OrtNet net, double scale, int height, int width)
    {
        _net = net;
        Scale = scale;
        // conv3 - 2, pool 2/2 rounded up, conv3 - 2, conv3 - 2.
        MapHeight = (height - 1) / 2 - 4;
        MapWidth = (width - 1) / 2 - 4;
        int cells = MapHeight * MapWidth;
        _input = new NativeFloats(3L * height * width);
        _probability = new NativeFloats(2L * cells);
        _regression = new NativeFloats(4L * cells);
        _values = [_input.Tensor(1, 3, height, width), _probability.Tensor(1, 2, MapHeight, MapWidth), _regression.Tensor(1, 4, MapHeight, MapWidth)];
        _binding = net.Bind(_values[0], _values.AsSpan(1));
    }

    public double Scale { get; }

    public int MapHeight { get; }

    public int MapWidth { get; }

    /// <summary>The level's pixels, <c>[3][H][W]</c>.</summary>
    public Span<float> Input => _input.Span;

    /// <summary>Probability of a face per cell.</summary>
    public ReadOnlySpan<float> Faces => _probability.Span[(MapHeight * MapWidth)..];

    /// <summary>Planes dx1, dy1, dx2, dy2.</summary>
    public ReadOnlySpan<float> Regression => _regression.Span;

    public void Run() => _net.Run(_binding);

    public void Dispose()
    {
        _binding.Dispose();
        foreach (var value in _values) value.Dispose();
        _input.Dispose();
        _probability.Dispose();
        _regression.Dispose();
    }
}
