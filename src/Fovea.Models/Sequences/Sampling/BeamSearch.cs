namespace Fovea.Models.Sequences;

/// <summary>Searches for the most probable texts: of all one-token continuations of the hypotheses the best are kept, finished ones apart
/// from open ones (Wu et al., 2016). Deterministic: of equal candidates the one of the better hypothesis wins, then the lower
/// token.</summary>
public static class BeamSearch
{
    /// <summary>Runs until no open hypothesis can become better than the finished ones.</summary>
    /// <param name="scorer">The model.</param>
    /// <param name="options">How far to look.</param>
    /// <returns>At most <see cref="BeamSearchOptions.Beams"/> texts, best first. Open ones only where too few are finished.</returns>
    /// <exception cref="InvalidOperationException">The model gives NaN or +infinity, or forbids every token.</exception>
    public static IReadOnlyList<BeamHypothesis> Run(IBeamScorer scorer, BeamSearchOptions options)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(scorer.Vocabulary);
        List<Open> open = [new Open([], 0, Parent: 0, options.StartToken)];
        List<BeamHypothesis> finished = [];
        for (var length = 1; length <= options.MaxLength && open.Count > 0; length++)
        {
            var next = new List<Open>();
            // Twice as many as beams: at most one continuation of each hypothesis ends, so enough stay open. An end counts where it is
            // among the best alone: one beam is then greedy decoding.
            var candidates = Best(scorer, open, 2 * options.Beams);
            for (var rank = 0; rank < candidates.Count; rank++)
            {
                var (parent, token, logProbability) = candidates[rank];
                var tokens = open[parent].Tokens;
                if (token != options.EndToken)
                {
                    if (next.Count < options.Beams) next.Add(new Open([.. tokens, token], logProbability, parent, token));
                }
                else if (rank < options.Beams)
                {
                    finished.Add(new BeamHypothesis(tokens, logProbability, options.Score(logProbability, length), IsFinished: true));
                }
            }
            Keep(finished, options.Beams);
            open = next;
            // Log probabilities only fall; the greatest length makes the most of what is there.
            if (open.Count > 0 && finished.Count == options.Beams && AtBest(open[0]) <= finished[^1].Score) open = [];
        }
        var missing = options.Beams - finished.Count;
        return [.. finished, .. open.Take(missing).Select(o => new BeamHypothesis(o.Tokens, o.LogProbability, AtBest(o), IsFinished: false))];

        double AtBest(Open hypothesis) => options.Score(hypothesis.LogProbability, options.MaxLength);
    }

    // Best first; a stable sort keeps equal ones in the order they were found.
    private static void Keep(List<BeamHypothesis> finished, int count)
    {
        var best = finished.OrderByDescending(h => h.Score).Take(count).ToArray();
        finished.Clear();
        finished.AddRange(best);
    }

    private static List<Candidate> Best(IBeamScorer scorer, List<Open> open, int count)
    {
        var vocabulary = scorer.Vocabulary;
        var logits = new float[open.Count * vocabulary];
        scorer.Score([.. open.Select(o => o.Parent)], [.. open.Select(o => o.Token)], logits);
        var best = new List<Candidate>(count + 1); // descending; equal ones in the order of hypothesis and token
        for (var parent = 0; parent < open.Count; parent++)
        {
            var row = logits.AsSpan(parent * vocabulary, vocabulary);
            var offset = open[parent].LogProbability - LogSumExp(row);
            for (var token = 0; token < vocabulary; token++)
            {
                var score = offset + row[token];
                if (double.IsNegativeInfinity(score) || (best.Count == count && score <= best[^1].LogProbability)) continue;
                var at = best.Count;
                while (at > 0 && best[at - 1].LogProbability < score) at--;
                best.Insert(at, new Candidate(parent, token, score));
                if (best.Count > count) best.RemoveAt(count);
            }
        }
        return best;
    }

    private static double LogSumExp(ReadOnlySpan<float> row)
    {
        var max = float.NegativeInfinity;
        foreach (var value in row) max = Math.Max(max, value); // NaN wins
        if (!float.IsFinite(max)) throw new InvalidOperationException($"the largest logit is {max}: no token can follow");
        double sum = 0;
        foreach (var value in row) sum += Math.Exp((double)value - max);
        return max + Math.Log(sum);
    }

    // A hypothesis without an end, with the parent in the call before and the token that the next call appends.
    private sealed record Open(int[] Tokens, double LogProbability, int Parent, int Token);

    private readonly record struct Candidate(int Parent, int Token, double LogProbability);
}
