namespace Fovea.Data;

/// <summary>Prepares images on the thread pool while the ones before them are used. The order is that of the positions and depends on
/// nothing else; memory is bounded by the number of images ahead. One thread takes the images.</summary>
public sealed class LabelledImageLoader : IDisposable
{
    private readonly Func<long, LabelledImage> _load;
    private readonly int _ahead;
    private IAsyncEnumerator<LabelledImage>? _running;
    private CancellationTokenSource? _stop;
    private long _position;

    /// <summary>Describes the images; the first is prepared when the first is asked for.</summary>
    /// <param name="load">Makes the image at a position; called from several threads at a time.</param>
    /// <param name="ahead">Images that are ready or in the making.</param>
    public LabelledImageLoader(Func<long, LabelledImage> load, int ahead)
    {
        ArgumentNullException.ThrowIfNull(load);
        ArgumentOutOfRangeException.ThrowIfLessThan(ahead, 1);
        (_load, _ahead) = (load, ahead);
    }

    /// <summary>Of the next image. Setting it drops what has been prepared: all that a resumed run needs.</summary>
    public long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Stop();
            _position = value;
        }
    }

    /// <summary>Takes the next images, and waits for them. Where one fails, its exception is thrown and none is taken: the next call
    /// tries the same ones again.</summary>
    public void Next(Span<LabelledImage> images)
    {
        try
        {
            if (_running is null)
            {
                _stop = new CancellationTokenSource();
                _running = Positions(_position).ToAsyncEnumerable().Map(_load, _ahead, _stop.Token).GetAsyncEnumerator(_stop.Token);
            }
            foreach (ref var image in images) image = Wait(_running);
            _position += images.Length;
        }
        catch
        {
            Stop();
            throw;
        }
    }

    /// <summary>Waits for images in the making; nothing runs afterwards.</summary>
    public void Dispose() => Stop();

    private static IEnumerable<long> Positions(long first)
    {
        for (var i = first; ; i++) yield return i;
    }

    // Waiting is safe: no stage wants to go on on the thread that it was called on.
    private static LabelledImage Wait(IAsyncEnumerator<LabelledImage> running)
    {
        if (!running.MoveNextAsync().AsTask().GetAwaiter().GetResult()) throw new InvalidOperationException("positions have no end");
        return running.Current;
    }

    private void Stop()
    {
        if (_running is null) return;
        _stop!.Cancel();
        _running.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stop.Dispose();
        (_running, _stop) = (null, null);
    }
}
