namespace Fovea.Models.Sequences.Speech;

/// <summary>Finds speech in audio of 16 kHz, window by window as it comes in.</summary>
/// <remarks>One caller at a time. A window costs one captured graph and no allocation.</remarks>
public sealed class SpeechDetector : IDisposable
{
    private readonly SequenceState _state;
    private readonly ILayer _layer;
    private readonly SequenceSession _session;

    /// <summary>A detector over <paramref name="net"/>, which must outlive it.</summary>
    public SpeechDetector(DeviceStream stream, SileroVad net)
    {
        ArgumentNullException.ThrowIfNull(net);
        _state = new SequenceState(stream, 1);
        _layer = net.ToStreaming(_state);
        _session = new SequenceSession(_state, _layer, DType.Float32, 1, SileroVad.Window);
    }

    /// <summary>The probability that the next window of <see cref="SileroVad.Window"/> samples holds speech.</summary>
    public float Next(ReadOnlySpan<float> window)
    {
        Span<float> probability = [0];
        _session.Step(window, probability);
        return probability[0];
    }

    /// <summary>Begins with other audio.</summary>
    public void Reset() => _state.Reset();

    /// <summary>The speech in a whole recording, from a fresh start; a last window that is not full is filled with silence.</summary>
    public IReadOnlyList<SpeechSegment> Find(ReadOnlySpan<float> samples, SpeechSegmentOptions? options = null)
    {
        options ??= new SpeechSegmentOptions();
        options.Validate();
        Reset();
        const int Window = SileroVad.Window;
        var (segments, silence) = (new List<SpeechSegment>(), Samples(options.MinSilence));
        long start = -1, quiet = -1; // where the segment began, and where the probability fell
        var last = new float[Window];
        for (var at = 0; at < samples.Length; at += Window)
        {
            var window = samples[at..Math.Min(at + Window, samples.Length)];
            if (window.Length < Window)
            {
                Array.Clear(last);
                window.CopyTo(last);
                window = last;
            }
            var probability = Next(window);
            if (probability >= options.Threshold)
            {
                quiet = -1;
                if (start < 0) start = at;
            }
            else if (start >= 0 && probability < options.EndThreshold)
            {
                if (quiet < 0) quiet = at;
                if (at + Window - quiet >= silence) Close(quiet);
            }
        }
        if (start >= 0) Close(quiet < 0 ? samples.Length : quiet);
        return Padded(segments, Samples(options.Padding), samples.Length);

        void Close(long end)
        {
            if (end - start >= Samples(options.MinSpeech)) segments.Add(new SpeechSegment(start, end));
            start = quiet = -1;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _layer.Dispose();
        _state.Dispose();
    }

    private static long Samples(TimeSpan time) => (long)(time.TotalSeconds * SileroVad.SampleRate);

    // Neighbours share the room between them.
    private static List<SpeechSegment> Padded(List<SpeechSegment> segments, long padding, long length)
    {
        var padded = new List<SpeechSegment>(segments.Count);
        for (var i = 0; i < segments.Count; i++)
        {
            var before = i == 0 ? segments[i].Start : (segments[i].Start - segments[i - 1].End) / 2;
            var after = i == segments.Count - 1 ? length - segments[i].End : (segments[i + 1].Start - segments[i].End) / 2;
            padded.Add(new SpeechSegment(segments[i].Start - Math.Min(padding, before), segments[i].End + Math.Min(padding, after)));
        }
        return padded;
    }
}
