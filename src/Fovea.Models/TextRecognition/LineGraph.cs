namespace Fovea.Models.TextRecognition;

/// <summary>The recogniser for one width as one captured graph, down to the likeliest class of each column. A run allocates
/// nothing.</summary>
internal sealed class LineGraph : IDisposable
{
    private readonly DeviceTensor _classes, _probabilities;
    private readonly CapturedGraph _graph;
    private readonly int[] _hostClasses;
    private readonly float[] _hostProbabilities;

    public LineGraph(DeviceStream stream, PpOcrRecognizer net, int width)
    {
        var columns = width / PpOcrRecognizer.ColumnWidth;
        (Width, _hostClasses, _hostProbabilities) = (width, new int[columns], new float[columns]);
        Input = DeviceTensor.Allocate(stream, DType.Float32, 1, PpOcrRecognizer.Height, width, 3);
        _classes = DeviceTensor.Allocate(stream, DType.Int32, columns);
        _probabilities = DeviceTensor.Allocate(stream, DType.Float32, columns);
        try
        {
            using var capture = stream.BeginCapture();
            using (var all = net.Forward(stream, Input))
            {
                Kernels.ArgMax(stream, new ArgMaxOptions(), all, _classes);
                Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.Max, 1), all, _probabilities);
            }
            _graph = capture.End();
        }
        catch
        {
            FreeTensors();
            throw;
        }
    }

    public int Width { get; }

    /// <summary>What the next run reads.</summary>
    public DeviceTensor Input { get; }

    /// <summary>The likeliest class of each column, from the last run.</summary>
    public ReadOnlySpan<int> Classes => _hostClasses;

    /// <summary>Its probability.</summary>
    public ReadOnlySpan<float> Probabilities => _hostProbabilities;

    /// <summary>Runs and waits.</summary>
    public void Run(DeviceStream stream)
    {
        _graph.Replay(stream);
        _classes.CopyTo(stream, _hostClasses.AsSpan());
        _probabilities.CopyTo(stream, _hostProbabilities.AsSpan());
    }

    public void Dispose()
    {
        _graph.Dispose();
        FreeTensors();
    }

    private void FreeTensors()
    {
        Input.Dispose();
        _classes.Dispose();
        _probabilities.Dispose();
    }
}
