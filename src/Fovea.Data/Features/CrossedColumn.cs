using System.Buffers;
using System.Globalization;

namespace Fovea.Data;

/// <summary>crossed_column: one id for each combination of one value of every key, by hash (<see cref="Kernels.CrossHashed"/>).
/// A crossed column among the keys stands for its own keys. Hashing follows the order of the keys; the name lists them
/// sorted.</summary>
public sealed class CrossedColumn : FeatureColumn, ICategoricalColumn
{
    private readonly CrossKey[] _keys;
    private readonly ICategoricalColumn[] _leaves;

    /// <summary>Creates the column.</summary>
    /// <param name="keys">At least two raw features or categorical columns.</param>
    /// <param name="buckets">Number of ids.</param>
    /// <param name="hashKey">What the hash starts from; null is TensorFlow's default.</param>
    /// <exception cref="FeatureException">A key cannot be crossed: hash-bucket columns (cross their raw feature), weighted and
    /// sequence columns, columns that are not categorical.</exception>
    public CrossedColumn(IReadOnlyList<CrossKey> keys, long buckets, ulong? hashKey = null) : base(NameOf(keys))
    {
        if (keys.Count < 2) throw new FeatureException(Name, "a cross needs at least two keys");
        if (buckets < 1) throw new FeatureException(Name, $"a column needs at least one bucket, not {buckets}");
        _keys = [.. keys.SelectMany(Flatten)];
        _leaves = [.. _keys.Select(Leaf)];
        BucketCount = buckets;
        HashKey = hashKey ?? SparseCross.DefaultKey;
    }

    /// <inheritdoc/>
    public long BucketCount { get; }

    /// <summary>What the hash starts from.</summary>
    public ulong HashKey { get; }

    /// <summary>The keys in the order in which they are hashed, without nesting.</summary>
    public IReadOnlyList<CrossKey> Keys => _keys;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        foreach (var leaf in _leaves) leaf.AddTo(spec);
    }

    /// <inheritdoc/>
    public void Transform(FeatureCache cache, IdBatch output)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(output);
        var columns = ArrayPool<CrossColumn>.Shared.Rent(_leaves.Length);
        try
        {
            for (var c = 0; c < _leaves.Length; c++)
            {
                var ids = cache.Ids(_leaves[c]);
                if (ids.HasWeights) throw new FeatureException(Name, $"{_leaves[c].Name} has weights and cannot be crossed");
                columns[c] = new CrossColumn(ids.IdMemory, ids.RowSplitMemory);
            }
            var leaves = columns.AsSpan(0, _leaves.Length);
            var rows = cache.Batch.Rows;
            output.Begin(rows, Combinations(leaves, rows));
            var splits = output.RowSplitsToWrite;
            for (var r = 0; r < rows; r++) splits[r + 1] = splits[r] + Combinations(leaves, r, r + 1);
            Kernels.CrossHashed(leaves, HashKey, BucketCount, splits, output.IdsToWrite);
        }
        finally
        {
            ArrayPool<CrossColumn>.Shared.Return(columns, clearArray: true);
        }
    }

    private long Combinations(ReadOnlySpan<CrossColumn> columns, int rows) => Combinations(columns, 0, rows);

    // Ids of rows [first, end). Rows come from outside, and their product may exceed any memory.
    private long Combinations(ReadOnlySpan<CrossColumn> columns, int first, int end)
    {
        long total = 0;
        for (var r = first; r < end; r++)
        {
            var product = 1.0;
            foreach (var column in columns)
            {
                var splits = column.RowSplits.Span;
                product *= splits[r + 1] - splits[r];
            }
            total += product <= Array.MaxLength ? (long)product : throw TooMany(r, product);
            if (total > Array.MaxLength) throw TooMany(r, total);
        }
        return total;
    }

    private FeatureException TooMany(int row, double count) =>
        new(Name, string.Create(CultureInfo.InvariantCulture, $"{count:G3} combinations up to row {row} are too many"));

    private static IEnumerable<CrossKey> Flatten(CrossKey key) => key.Column is CrossedColumn nested ? nested._keys : [key];

    private ICategoricalColumn Leaf(CrossKey key) => key.Column switch
    {
        null => new FingerprintColumn(key.Key ?? throw new FeatureException(Name, "a key is empty")),
        HashBucketColumn hashed =>
            throw new FeatureException(Name, $"{hashed.Name} hashes already; cross the raw feature '{hashed.Key}' instead"),
        WeightedCategoricalColumn weighted => throw new FeatureException(Name, $"{weighted.Name} has weights and cannot be crossed"),
        { IsSequence: true } sequence => throw new FeatureException(Name, $"{sequence.Name} is a sequence and cannot be crossed"),
        ICategoricalColumn column => column,
        var other => throw new FeatureException(Name, $"{other.Name} is not categorical"),
    };

    private static string NameOf(IReadOnlyList<CrossKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var names = keys.SelectMany(Flatten).Select(key => key.Column?.Name ?? key.Key ?? "").ToArray();
        Array.Sort(names, NameOrder.Compare);
        return string.Join("_X_", names);
    }
}
