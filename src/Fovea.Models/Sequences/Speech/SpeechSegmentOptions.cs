namespace Fovea.Models.Sequences.Speech;

/// <summary>When speech begins and ends; the defaults are those of Silero's own tools.</summary>
public sealed record SpeechSegmentOptions
{
    /// <summary>Speech begins at a window of at least this probability.</summary>
    public float Threshold { get; init; } = 0.5f;

    /// <summary>It ends when windows stay below this, lower than <see cref="Threshold"/> so that it does not flicker.</summary>
    public float EndThreshold { get; init; } = 0.35f;

    /// <summary>Silence that ends a segment.</summary>
    public TimeSpan MinSilence { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Shorter segments are dropped.</summary>
    public TimeSpan MinSpeech { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Added on both sides, as far as there is room between segments.</summary>
    public TimeSpan Padding { get; init; } = TimeSpan.FromMilliseconds(30);

    internal void Validate()
    {
        if (!(Threshold is > 0 and <= 1) || !(EndThreshold >= 0 && EndThreshold <= Threshold))
            throw new ArgumentException($"thresholds {Threshold} and {EndThreshold} do not lie in order between 0 and 1");
        if (MinSilence < TimeSpan.Zero || MinSpeech < TimeSpan.Zero || Padding < TimeSpan.Zero) throw new ArgumentException("a duration is negative");
    }
}
