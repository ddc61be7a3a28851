namespace Fovea.Detection;

/// <summary>One caller's detector: its stream, its buffers and one captured graph per image size.</summary>
/// <remarks>
/// A session serves one thread at a time; a call that overlaps another throws <see cref="InvalidOperationException"/> and changes
/// nothing. Any number of sessions share one model. Once a size is warm, <see cref="Detect"/> allocates no managed memory. Results are
/// deterministic.
/// </remarks>
/// <typeparam name="TDetection">What is found: a structure of floats.</typeparam>
public abstract class DetectorSession<TDetection> : IDisposable
    where TDetection : unmanaged
{
    private const int Free = 0, Busy = 1, Disposed = 2, DisposedWhileBusy = 3;

    private readonly int _capacity;
    private readonly int _maxCachedSizes;
    private readonly DeviceStream _stream;
    private readonly List<DetectionGraph<TDetection>> _graphs = [];  // least recently used first
    private int _state;

    /// <param name="device">The device of the model.</param>
    /// <param name="stream">Options of the session's stream.</param>
    /// <param name="capacity">Most detections of an image.</param>
    /// <param name="maxCachedSizes">Image sizes whose graphs are kept.</param>
    private protected DetectorSession(Device device, DeviceStreamOptions? stream, int capacity, int maxCachedSizes)
    {
        _capacity = capacity;
        _maxCachedSizes = maxCachedSizes;
        _stream = device.CreateStream(stream);
    }

    private protected DeviceStream Stream => _stream;

    /// <summary>The pool that this session's buffers come from, for statistics and limits.</summary>
    public DeviceMemoryPool Pool => _stream.Pool;

    /// <summary>Finds objects in an 8-bit RGB image and writes them to <paramref name="results"/>, best first.</summary>
    /// <param name="rgb">Pixels, row by row, R G B; exactly <c>3 * width * height</c> bytes.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="results">Room for the detections; further ones are dropped.</param>
    /// <returns>Number of detections written.</returns>
    /// <exception cref="ArgumentException">The buffer does not fit the size.</exception>
    /// <exception cref="InvalidOperationException">Another thread is inside this session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The pool's budget does not hold the buffers of this image size.</exception>
    public int Detect(ReadOnlySpan<byte> rgb, int width, int height, Span<TDetection> results)
    {
        CheckImage(rgb, width, height);
        Enter();
        try
        {
            return Graph(width, height).Run(_stream, rgb, results);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Captures the graph for an image size and runs it twice, so that the first real image of that size is fast.</summary>
    public void WarmUp(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        var blank = new byte[checked(3 * width * height)];
        var results = new TDetection[1];
        Detect(blank, width, height, results);
        Detect(blank, width, height, results);
    }

    /// <summary>Frees the session's buffers; if a call is running on another thread, as soon as it ends.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state is Disposed or DisposedWhileBusy) return;
            int next = state == Free ? Disposed : DisposedWhileBusy;
            if (Interlocked.CompareExchange(ref _state, next, state) != state) continue;
            if (next == Disposed) FreeBuffers();
            return;
        }
    }

    /// <summary>Records the detector for one image size: from the image [1][height][width][3] UInt8 to <paramref name="results"/>, rows of
    /// <typeparamref name="TDetection"/>, best first, and their number.</summary>
    private protected abstract void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count);

    /// <summary>Whether <see cref="Record"/> only enqueues; else it runs anew for each image.</summary>
    private protected virtual bool IsCapturable => true;

    /// <summary>Frees what the graphs used on <see cref="Stream"/>, behind them.</summary>
    private protected virtual void FreeModel()
    {
    }

    private static void CheckImage(ReadOnlySpan<byte> rgb, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (rgb.Length != 3L * width * height)
            throw new ArgumentException($"An RGB image of {width}x{height} has {3L * width * height} bytes, got {rgb.Length}.", nameof(rgb));
    }

    private DetectionGraph<TDetection> Graph(int width, int height)
    {
        for (int i = _graphs.Count - 1; i >= 0; i--)
        {
            var graph = _graphs[i];
            if (graph.Width != width || graph.Height != height) continue;
            if (i != _graphs.Count - 1)
            {
                _graphs.RemoveAt(i);
                _graphs.Add(graph);
            }

            return graph;
        }

        // Make room first: the old graph's memory serves the new one.
        while (_graphs.Count >= _maxCachedSizes)
        {
            _graphs[0].Dispose();
            _graphs.RemoveAt(0);
        }

        var fresh = new DetectionGraph<TDetection>(_stream, width, height, _capacity, Record, IsCapturable);
        _graphs.Add(fresh);
        return fresh;
    }

    private void Enter()
    {
        int state = Interlocked.CompareExchange(ref _state, Busy, Free);
        ObjectDisposedException.ThrowIf(state is Disposed or DisposedWhileBusy, this);
        if (state == Busy) throw new InvalidOperationException("Another thread is using this session; give each thread its own.");
    }

    private void Leave()
    {
        if (Interlocked.CompareExchange(ref _state, Free, Busy) == Busy) return;
        Volatile.Write(ref _state, Disposed);
        FreeBuffers();
    }

    private void FreeBuffers()
    {
        foreach (var graph in _graphs) graph.Dispose();
        _graphs.Clear();
        FreeModel();
        _stream.Dispose();
    }
}
