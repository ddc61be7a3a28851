using System.Numerics;
using Fovea.Data;

namespace Fovea.Models.TextRecognition;

/// <summary>Reads pictures that show one line of text each.</summary>
/// <remarks>One caller at a time. The network is one captured graph per width in steps of 32 pixels; the graphs of the widths used last are
/// kept.</remarks>
public sealed class TextRecognizer : IDisposable
{
    /// <summary>Widest line, in pixels at the height of 48.</summary>
    public const int MaxWidth = 4096;

    // PaddleOCR never gives the network less than 320 columns, which it was trained with.
    private const int MinWidth = 320, WidthStep = 32, MaxGraphs = 8;

    private const float Middle = 127.5f; // becomes 0, which PaddleOCR pads with

    private readonly DeviceStream _stream;
    private readonly PpOcrRecognizer _net;
    private readonly List<LineGraph> _graphs = []; // least recently used first

    /// <summary>A recogniser over <paramref name="net"/>; both parameters must outlive it.</summary>
    public TextRecognizer(DeviceStream stream, PpOcrRecognizer net)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(net);
        (_stream, _net) = (stream, net);
    }

    /// <summary>Whether a picture is not too wide.</summary>
    public static bool Fits(RgbImage line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return ScaledWidth(line.Width, line.Height) <= MaxWidth;
    }

    /// <summary>Reads one line. The picture is scaled to the height of 48 pixels, so it should show little else.</summary>
    /// <exception cref="ArgumentException">It is wider than <see cref="MaxWidth"/> at that height.</exception>
    public RecognizedText Recognize(RgbImage line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (!Fits(line))
        {
            throw new ArgumentException(
                $"a picture of {line.Width}x{line.Height} is wider than {MaxWidth} at a height of {PpOcrRecognizer.Height}", nameof(line));
        }
        var width = (int)ScaledWidth(line.Width, line.Height);
        var graph = Graph(Math.Max(MinWidth, (width + WidthStep - 1) / WidthStep * WidthStep));
        using var pixels = DeviceTensor.From<byte>(_stream, line.Pixels.Span, 1, line.Height, line.Width, 3);
        var place = new LetterboxOptions
        {
            PlaceWidth = width,
            PlaceHeight = PpOcrRecognizer.Height,
            ReverseChannels = true,
            PadValue = Middle,
            Mean = new Vector4(Middle),
            Scale = new Vector4(1 / Middle),
        };
        Kernels.Letterbox(_stream, place, pixels, graph.Input);
        graph.Run(_stream);
        return CtcDecoder.Decode(graph.Classes, graph.Probabilities, _net.Alphabet);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _graphs) graph.Dispose();
        _graphs.Clear();
    }

    /// <summary>Width at the network's height, rounded up as PaddleOCR does.</summary>
    internal static long ScaledWidth(int width, int height) => ((long)width * PpOcrRecognizer.Height + height - 1) / height;

    internal LineGraph Graph(int width)
    {
        var index = _graphs.FindIndex(g => g.Width == width);
        if (index < 0 && _graphs.Count == MaxGraphs)
        {
            _graphs[0].Dispose();
            _graphs.RemoveAt(0);
        }
        var graph = index < 0 ? new LineGraph(_stream, _net, width) : _graphs[index];
        if (index >= 0) _graphs.RemoveAt(index);
        _graphs.Add(graph);
        return graph;
    }
}
