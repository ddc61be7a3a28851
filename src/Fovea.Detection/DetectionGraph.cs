using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fovea.Detection;

/// <summary>A whole detector for one image size as one captured graph, with the image that goes in and the rows that come out. The number of
/// rows stays on the device, so a replay is a single native call.</summary>
internal sealed class DetectionGraph<TDetection> : IDisposable
    where TDetection : unmanaged
{
    private readonly DeviceTensor _image;
    private readonly DeviceTensor _results;
    private readonly DeviceTensor _count;
    private readonly CapturedGraph? _graph;
    private readonly Action<DeviceStream, DeviceTensor, DeviceTensor, DeviceTensor> _record;

    /// <param name="stream">Stream whose pool holds the buffers.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="height">Height of the image.</param>
    /// <param name="capacity">Most rows; a row is a <typeparamref name="TDetection"/> of f32 columns.</param>
    /// <param name="record">Records the detector, from the image [1][height][width][3] UInt8 to rows and their number, Int32 [1].</param>
    /// <param name="captures">False: <paramref name="record"/> runs for each image, because it waits for the stream.</param>
    public DetectionGraph(DeviceStream stream, int width, int height, int capacity,
        Action<DeviceStream, DeviceTensor, DeviceTensor, DeviceTensor> record, bool captures = true)
    {
        _record = record;
        Width = width;
        Height = height;
        try
        {
            _image = DeviceTensor.Allocate(stream, DType.UInt8, 1, height, width, 3);
            _results = DeviceTensor.Allocate(stream, DType.Float32, capacity, Unsafe.SizeOf<TDetection>() / sizeof(float));
            _count = DeviceTensor.Allocate(stream, DType.Int32, 1);
            if (!captures) return;
            using var capture = stream.BeginCapture();
            record(stream, _image, _results, _count);
            _graph = capture.End();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Copies the image in, replays, copies the rows out. Returns how many there are, at most <c>results.Length</c>.</summary>
    public int Run(DeviceStream stream, ReadOnlySpan<byte> rgb, Span<TDetection> results)
    {
        _image.CopyFrom(stream, rgb);
        if (_graph is null) _record(stream, _image, _results, _count);
        else _graph.Replay(stream);
        Span<int> count = stackalloc int[1];
        _count.CopyTo(stream, count);
        int rows = Math.Min(count[0], results.Length);
        if (rows > 0) _results.CopyRowsTo(stream, MemoryMarshal.Cast<TDetection, float>(results[..rows]));
        return rows;
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _count?.Dispose();
        _results?.Dispose();
        _image?.Dispose();
    }
}
