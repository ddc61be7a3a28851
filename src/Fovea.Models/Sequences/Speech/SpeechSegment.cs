namespace Fovea.Models.Sequences.Speech;

/// <summary>A stretch of speech.</summary>
/// <param name="Start">First sample.</param>
/// <param name="End">Behind the last sample.</param>
public readonly record struct SpeechSegment(long Start, long End);
