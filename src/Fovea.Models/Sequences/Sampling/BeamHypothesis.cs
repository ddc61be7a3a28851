namespace Fovea.Models.Sequences;

/// <summary>A text that <see cref="BeamSearch"/> found.</summary>
/// <param name="Tokens">What was written, without start and end.</param>
/// <param name="LogProbability">Sum over its tokens, the end included where there is one.</param>
/// <param name="Score">The same with the length penalty.</param>
/// <param name="IsFinished">Whether it ends by itself, not at the greatest length.</param>
public sealed record BeamHypothesis(IReadOnlyList<int> Tokens, double LogProbability, double Score, bool IsFinished);
