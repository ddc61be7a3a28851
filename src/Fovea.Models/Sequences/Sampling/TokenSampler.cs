namespace Fovea.Models.Sequences;

/// <summary>Chooses tokens from logits. Allocates when it is made, not when it is used. One sampler serves one thread.</summary>
/// <remarks>Hostile logits are defined: NaN and negative infinity are never chosen; where a logit is positive infinity, those tokens share
/// the probability evenly. Results depend on logits, options and the number of the draw only.</remarks>
public sealed class TokenSampler
{
    private readonly SamplingOptions _options;
    private readonly float[] _scores;
    private readonly ulong[] _ranked;
    private readonly float[] _weights;
    private readonly bool[] _seen;

    /// <summary>For logits of a vocabulary.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public TokenSampler(int vocabulary, SamplingOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        options.Check();
        _options = options;
        _scores = new float[vocabulary];
        _ranked = new ulong[vocabulary];
        _weights = new float[vocabulary];
        _seen = new bool[vocabulary];
    }

    /// <summary>Number of the next draw: set it to repeat or to continue a sequence. Greedy choices draw nothing.</summary>
    public ulong Draws { get; set; }

    /// <summary>The next token.</summary>
    /// <param name="logits">One number per token of the vocabulary.</param>
    /// <param name="previous">Tokens that the repetition penalty holds for; others than the vocabulary's are skipped.</param>
    /// <exception cref="ArgumentException">The number of logits is not the vocabulary's, or none of them can be chosen.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> previous = default)
    {
        if (logits.Length != _scores.Length)
            throw new ArgumentException($"there are {logits.Length} logits for a vocabulary of {_scores.Length}", nameof(logits));
        for (var i = 0; i < logits.Length; i++)
            _scores[i] = float.IsNaN(logits[i]) ? float.NegativeInfinity : logits[i];
        if (_options.RepetitionPenalty != 1) Penalise(previous);

        var best = Largest();
        if (_scores[best] == float.NegativeInfinity)
            throw new ArgumentException("every logit is NaN or negative infinity", nameof(logits));
        if (_options.Temperature == 0) return best;

        var count = Rank(_scores[best]);
        return Draw(count, Uniform(_options.Seed, Draws++));
    }

    // SplitMix64 (Steele, Lea and Flood, 2014): its state is a counter. 53 bits in [0, 1).
    private static double Uniform(ulong seed, ulong draw)
    {
        var z = seed + (draw + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    private void Penalise(ReadOnlySpan<int> previous)
    {
        foreach (var token in previous)
        {
            if ((uint)token >= (uint)_scores.Length || _seen[token]) continue;
            _seen[token] = true;
            ref var score = ref _scores[token];
            score = score > 0 ? score / _options.RepetitionPenalty : score * _options.RepetitionPenalty;
        }
        foreach (var token in previous)
            if ((uint)token < (uint)_seen.Length) _seen[token] = false;
    }

    private int Largest()
    {
        var best = 0;
        for (var i = 1; i < _scores.Length; i++)
            if (_scores[i] > _scores[best]) best = i;
        return best;
    }

    // Leaves the tokens that may be drawn at the front of _ranked, their weights beside them, and gives their number.
    private int Rank(float best)
    {
        var count = 0;
        for (var i = 0; i < _scores.Length; i++)
            if (_scores[i] > float.NegativeInfinity) _ranked[count++] = Key(_scores[i], i);
        if (_options.TopK > 0 && _options.TopK < count)
        {
            KeepLargest(_ranked.AsSpan(0, count), _options.TopK);
            count = _options.TopK;
        }
        var total = Weigh(count, best);
        return _options.TopP < 1 ? Nucleus(count, best, total) : count;
    }

    private double Weigh(int count, float best)
    {
        var total = 0.0;
        for (var i = 0; i < count; i++)
        {
            var score = _scores[Token(_ranked[i])];
            // Infinity less itself is not a number, and would be 0 here.
            _weights[i] = score == best ? 1 : (float)Math.Exp(((double)score - best) / _options.Temperature);
            total += _weights[i];
        }
        return total;
    }

    // The fewest tokens whose weights reach TopP of the total.
    private int Nucleus(int count, float best, double total)
    {
        // Tokens lighter than an even share of the rest cannot belong to it: all of them together do not fill the rest. The heaviest
        // always stays. Few are left to sort.
        var light = (1 - _options.TopP) * total / count;
        var kept = 0;
        for (var i = 0; i < count; i++)
            if (_weights[i] >= light) _ranked[kept++] = _ranked[i];
        _ranked.AsSpan(0, kept).Sort();
        _ranked.AsSpan(0, kept).Reverse();
        Weigh(kept, best);
        var sum = 0.0;
        for (var i = 0; i < kept; i++)
        {
            sum += _weights[i];
            if (sum >= _options.TopP * total) return i + 1;
        }
        return kept;
    }

    private int Draw(int count, double uniform)
    {
        var total = 0.0;
        for (var i = 0; i < count; i++) total += _weights[i];
        var left = uniform * total;
        var last = 0;
        for (var i = 0; i < count; i++)
        {
            if (_weights[i] == 0) continue;
            last = i;
            left -= _weights[i];
            if (left < 0) break;
        }
        return Token(_ranked[last]);
    }

    // Ascending with the score, and for equal scores descending with the token: no two keys are equal, so every order is defined.
    private static ulong Key(float score, int token)
    {
        var bits = BitConverter.SingleToInt32Bits(score == 0 ? 0 : score);
        var ordered = (uint)(bits ^ ((bits >> 31) | int.MinValue));
        return ((ulong)ordered << 32) | ~(uint)token;
    }

    private static int Token(ulong key) => (int)~(uint)key;

    // Moves the `count` largest keys to the front: a heap with the smallest of them on top.
    private static void KeepLargest(Span<ulong> keys, int count)
    {
        var heap = keys[..count];
        for (var i = count / 2 - 1; i >= 0; i--) SiftDown(heap, i);
        for (var i = count; i < keys.Length; i++)
        {
            if (keys[i] < heap[0]) continue;
            (heap[0], keys[i]) = (keys[i], heap[0]);
            SiftDown(heap, 0);
        }
    }

    private static void SiftDown(Span<ulong> heap, int at)
    {
        while (2 * at + 1 < heap.Length)
        {
            var child = 2 * at + 1;
            if (child + 1 < heap.Length && heap[child + 1] < heap[child]) child++;
            if (heap[at] <= heap[child]) return;
            (heap[at], heap[child]) = (heap[child], heap[at]);
            at = child;
        }
    }
}
