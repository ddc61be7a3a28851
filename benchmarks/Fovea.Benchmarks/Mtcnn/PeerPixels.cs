namespace Fovea.Benchmarks.Mtcnn;

/// <summary>Pyramid and crops for the peer, made by the very kernels that Fovea's cascade uses and captured as graphs, then turned
/// to the NCHW order that its networks take. What is left to compare is the networks and the glue between them.</summary>
internal sealed class PeerPixels : IDisposable
{
    // (value - 127.5) / 128, as the networks were trained.
    private const float PixelScale = 0.0078125f;

    private static readonly ResizeOptions Resize = new() { Mode = ResizeMode.Area, Scale = PixelScale, Offset = -127.5f * PixelScale };

    private readonly DeviceStream _stream;
    private readonly DeviceTensor _image;
    private readonly DeviceTensor[] _levels;
    private readonly DeviceTensor _boxes;
    private readonly DeviceTensor _boxCount;
    private readonly CapturedGraph _pyramid;
    private readonly List<(int Window, DeviceTensor Crops, CapturedGraph Graph)> _crops = [];

    /// <param name="threads">Threads the kernels may use.</param>
    /// <param name="width">Width of the images.</param>
    /// <param name="height">Height of the images.</param>
    /// <param name="scales">Scale of each level.</param>
    /// <param name="batch">Most crops per call.</param>
    /// <param name="windows">Sides of the crops that will be asked for.</param>
    public PeerPixels(int threads, int width, int height, ReadOnlySpan<double> scales, int batch, params ReadOnlySpan<int> windows)
    {
        _stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = threads });
        _image = DeviceTensor.Allocate(_stream, DType.UInt8, 1, height, width, 3);
        _boxes = DeviceTensor.Allocate(_stream, DType.Float32, batch, 4);
        _boxCount = DeviceTensor.Allocate(_stream, DType.Int32, 1);
        _levels = new DeviceTensor[scales.Length];
        for (int k = 0; k < scales.Length; k++)
            _levels[k] = DeviceTensor.Allocate(_stream, DType.Float32, 1, (int)Math.Ceiling(height * scales[k]), (int)Math.Ceiling(width * scales[k]), 3);

        using (var capture = _stream.BeginCapture())
        {
            foreach (var level in _levels) Kernels.Resize(_stream, Resize, _image, level);
            _pyramid = capture.End();
        }

        foreach (int window in windows)
        {
            var crops = DeviceTensor.Allocate(_stream, DType.Float32, batch, window, window, 3);
            using var capture = _stream.BeginCapture();
            Kernels.CropResize(_stream, new CropResizeOptions { Resize = Resize, PlusOne = true }, _image, _boxes.WithLive(_boxCount), batchIndex: null, crops);
            _crops.Add((window, crops, capture.End()));
        }
    }

    /// <summary>Height and width of a level.</summary>
    public (int Height, int Width) LevelSize(int level) => ((int)_levels[level].Shape[1], (int)_levels[level].Shape[2]);

    /// <summary>Takes an image and computes all levels.</summary>
    public void Load(ReadOnlySpan<byte> rgb)
    {
        _image.CopyFrom(_stream, rgb);
        _pyramid.Replay(_stream);
    }

    /// <summary>Writes a level as <c>[3][H][W]</c>.</summary>
    public void Level(int level, Span<float> planes) => Deinterleave(_levels[level].AsSpan<float>(), planes);

    /// <summary>Writes the crops of some boxes (1-based inclusive pixels) as <c>[N][3][window][window]</c>.</summary>
    public void Crops(ReadOnlySpan<Candidate> boxes, int window, Span<float> planes)
    {
        var corners = _boxes.AsSpan<float>();
        for (int i = 0; i < boxes.Length; i++)
        {
            ref readonly var box = ref boxes[i];
            (corners[4 * i], corners[4 * i + 1], corners[4 * i + 2], corners[4 * i + 3]) = (box.X1, box.Y1, box.X2, box.Y2);
        }

        _boxCount.AsSpan<int>()[0] = boxes.Length;
        foreach (var (side, crops, graph) in _crops)
        {
            if (side != window) continue;
            graph.Replay(_stream);
            int size = 3 * window * window;
            var pixels = crops.AsSpan<float>();
            for (int i = 0; i < boxes.Length; i++) Deinterleave(pixels.Slice(i * size, size), planes.Slice(i * size, size));
        }
    }

    public void Dispose()
    {
        foreach (var (_, crops, graph) in _crops)
        {
            graph.Dispose();
            crops.Dispose();
        }

        _pyramid.Dispose();
        foreach (var level in _levels) level.Dispose();
        _boxCount.Dispose();
        _boxes.Dispose();
        _image.Dispose();
        _stream.Dispose();
    }

    private static void Deinterleave(ReadOnlySpan<float> pixels, Span<float> planes)
    {
        int plane = pixels.Length / 3;
        Span<float> red = planes[..plane], green = planes.Slice(plane, red.Length), blue = planes.Slice(2 * plane, red.Length);
        for (int i = 0; i < red.Length; i++)
        {
            red[i] = pixels[3 * i];
            green[i] = pixels[3 * i + 1];
            blue[i] = pixels[3 * i + 2];
        }
    }
}
