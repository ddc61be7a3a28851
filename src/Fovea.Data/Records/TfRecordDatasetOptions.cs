namespace Fovea.Data;

/// <summary>How to read many TFRecord files as one.</summary>
public sealed record TfRecordDatasetOptions
{
    /// <summary>How to read each file.</summary>
    public TfRecordReaderOptions Reader { get; init; } = new();

    /// <summary>Files that are open at once: their records are taken in turn, <see cref="Block"/> at a time. A file that ends
    /// makes room for the next one, which goes on with its turn.</summary>
    public int Cycle { get; init; } = 1;

    /// <summary>Records that are taken of a file before it is the next one's turn.</summary>
    public int Block { get; init; } = 1;

    /// <summary>Records among which a random one is chosen each time; 0 or 1 for the order of the files.</summary>
    public int ShuffleBuffer { get; init; }

    /// <summary>Makes the random order; the same seed makes the same order. Use another one for each epoch.</summary>
    public ulong Seed { get; init; }

    /// <summary>Of how many readers this is one: it takes every so many files of the list.</summary>
    public int ShardCount { get; init; } = 1;

    /// <summary>Which of the readers this is, from 0.</summary>
    public int ShardIndex { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Cycle, 1, nameof(Cycle));
        ArgumentOutOfRangeException.ThrowIfLessThan(Block, 1, nameof(Block));
        ArgumentOutOfRangeException.ThrowIfNegative(ShuffleBuffer, nameof(ShuffleBuffer));
        ArgumentOutOfRangeException.ThrowIfLessThan(ShardCount, 1, nameof(ShardCount));
        ArgumentOutOfRangeException.ThrowIfNegative(ShardIndex, nameof(ShardIndex));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ShardIndex, ShardCount, nameof(ShardIndex));
    }
}
