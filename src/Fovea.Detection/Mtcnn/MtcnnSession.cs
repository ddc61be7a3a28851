namespace Fovea.Detection;

/// <summary>One caller's face detector: its stream, its buffers and one captured graph per image size.</summary>
/// <remarks>
/// A session serves one thread at a time; a call that overlaps another throws <see cref="InvalidOperationException"/> and changes
/// nothing. Any number of sessions share one <see cref="MtcnnModel"/>. Once a size is warm, <see cref="Detect"/> allocates no
/// managed memory. Results are deterministic.
/// </remarks>
public sealed class MtcnnSession : IDisposable
{
    private const int Free = 0, Busy = 1, Disposed = 2, DisposedWhileBusy = 3;

    private readonly MtcnnModel _model;
    private readonly MtcnnOptions _options;
    private readonly DeviceStream _stream;
    private readonly List<MtcnnCascade> _cascades = [];  // least recently used first
    private int _state;

    /// <summary>Makes a session.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public MtcnnSession(MtcnnModel model, MtcnnOptions? options = null, DeviceStreamOptions? stream = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _options = options ?? new MtcnnOptions();
        _options.Validate();
        _stream = model.Device.CreateStream(stream);
    }

    /// <summary>The pool that this session's buffers come from, for statistics and limits.</summary>
    public DeviceMemoryPool Pool => _stream.Pool;

    /// <summary>Finds faces in an 8-bit RGB image and writes them to <paramref name="results"/>, best first.</summary>
    /// <param name="rgb">Pixels, row by row, R G B; exactly <c>3 * width * height</c> bytes.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="results">Room for the faces; further ones are dropped.</param>
    /// <returns>Number of faces written; 0 when the image is smaller than <see cref="MtcnnOptions.MinFace"/>.</returns>
    /// <exception cref="ArgumentException">The buffer does not fit the size.</exception>
    /// <exception cref="InvalidOperationException">Another thread is inside this session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The pool's budget does not hold the buffers of this image size.</exception>
    public int Detect(ReadOnlySpan<byte> rgb, int width, int height, Span<FaceDetection> results)
    {
        CheckImage(rgb, width, height);
        Enter();
        try
        {
            return Cascade(width, height).Run(_stream, rgb, results);
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
        var results = new FaceDetection[1];
        Detect(blank, width, height, results);
        Detect(blank, width, height, results);
    }

    /// <summary>Frees the session's buffers; if a call is running on another thread, as soon as it ends.</summary>
    public void Dispose()
    {
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

    private static void CheckImage(ReadOnlySpan<byte> rgb, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (rgb.Length != 3L * width * height)
            throw new ArgumentException($"An RGB image of {width}x{height} has {3L * width * height} bytes, got {rgb.Length}.", nameof(rgb));
    }

    private MtcnnCascade Cascade(int width, int height)
    {
        for (int i = _cascades.Count - 1; i >= 0; i--)
        {
            var cascade = _cascades[i];
            if (cascade.Width != width || cascade.Height != height) continue;
            if (i != _cascades.Count - 1)
            {
                _cascades.RemoveAt(i);
                _cascades.Add(cascade);
            }

            return cascade;
        }

        // Make room first: the old graph's memory serves the new one.
        while (_cascades.Count >= _options.MaxCachedSizes)
        {
            _cascades[0].Dispose();
            _cascades.RemoveAt(0);
        }

        var fresh = new MtcnnCascade(_model, _options, _stream, width, height);
        _cascades.Add(fresh);
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
        foreach (var cascade in _cascades) cascade.Dispose();
        _cascades.Clear();
        _stream.Dispose();
    }
}
