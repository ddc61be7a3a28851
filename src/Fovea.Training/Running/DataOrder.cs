namespace Fovea.Training;

/// <summary>The order in which the examples of each epoch come: a permutation that depends on the seed and the epoch alone, so any place
/// in it is found without going through what comes before, and a run that is resumed sees the rest of the epoch.</summary>
/// <remarks>A Feistel network of four rounds over the next power of four, walked until it lands among the examples (Black and Rogaway,
/// "Ciphers with Arbitrary Finite Domains", 2002): no table, whatever the number of examples.</remarks>
public sealed class DataOrder
{
    private const int Rounds = 4;

    private readonly int _halfBits;

    /// <summary>Orders <paramref name="count"/> examples.</summary>
    public DataOrder(long count, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1L << 60);
        Count = count;
        Seed = seed;
        while (1L << (2 * _halfBits) < count) _halfBits++;
    }

    /// <summary>Number of examples.</summary>
    public long Count { get; }

    /// <summary>Which order.</summary>
    public long Seed { get; }

    /// <summary>Examples given out so far, over all epochs: all that must be saved to resume.</summary>
    public long Position { get; set; }

    /// <summary>The epoch that <see cref="Position"/> lies in.</summary>
    public long Epoch => Position / Count;

    /// <summary>The example at a place of an epoch.</summary>
    public long At(long epoch, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        // Less than four steps on average: the power of four is below four times the count.
        var at = (ulong)index;
        do at = Permute(at, epoch);
        while (at >= (ulong)Count);
        return (long)at;
    }

    /// <summary>Fills <paramref name="batch"/> with the next examples; an epoch's last batch goes on into the next epoch.</summary>
    public void Next(Span<long> batch)
    {
        foreach (ref var example in batch)
        {
            example = At(Position / Count, Position % Count);
            Position++;
        }
    }

    private ulong Permute(ulong x, long epoch)
    {
        var mask = (1UL << _halfBits) - 1;
        var (left, right) = (x >> _halfBits, x & mask);
        for (var round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ (Mix(right + Mix((ulong)Seed + Mix((ulong)epoch * Rounds + (ulong)round))) & mask));
        return left << _halfBits | right;
    }

    // SplitMix64's finaliser (Steele, Lea and Flood, 2014).
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
