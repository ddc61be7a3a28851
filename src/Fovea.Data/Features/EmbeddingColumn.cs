namespace Fovea.Data;

/// <summary>embedding_column and shared_embedding_columns: the rows of a learnt table at the ids, combined.</summary>
public sealed class EmbeddingColumn : FeatureColumn
{
    private const int LargestDimension = 1 << 20;

    /// <summary>Creates a column with a table of its own.</summary>
    /// <param name="categorical">The ids.</param>
    /// <param name="dimension">Floats of an embedding.</param>
    /// <param name="combiner">How the embeddings of a row become one.</param>
    /// <param name="maxNorm">Longer embeddings are shortened to this L2 norm before they are combined; null for none.</param>
    /// <param name="trainable">Whether training changes the table.</param>
    /// <exception cref="FeatureException">The dimension or the norm is not positive.</exception>
    public EmbeddingColumn(ICategoricalColumn categorical, int dimension, Combiner combiner = Combiner.Mean, float? maxNorm = null,
        bool trainable = true) : this(categorical, categorical.Name + "_embedding", null, dimension, combiner, maxNorm, trainable)
    {
    }

    private EmbeddingColumn(ICategoricalColumn categorical, string name, string? table, int dimension, Combiner combiner, float? maxNorm,
        bool trainable) : base(name)
    {
        if (dimension is < 1 or > LargestDimension)
            throw new FeatureException(name, $"{dimension} is no dimension of an embedding");
        if (maxNorm is { } norm && !(norm > 0))
            throw new FeatureException(name, $"the largest norm is {norm}, it must be positive");
        Categorical = categorical;
        TableName = table ?? name;
        Dimension = dimension;
        Combiner = combiner;
        MaxNorm = maxNorm;
        Trainable = trainable;
    }

    /// <summary>The ids.</summary>
    public ICategoricalColumn Categorical { get; }

    /// <summary>Name of the table; columns that share one have the same.</summary>
    public string TableName { get; }

    /// <summary>Floats of an embedding.</summary>
    public int Dimension { get; }

    /// <summary>How the embeddings of a row become one.</summary>
    public Combiner Combiner { get; }

    /// <summary>Largest L2 norm of an embedding, or null.</summary>
    public float? MaxNorm { get; }

    /// <summary>Whether training changes the table.</summary>
    public bool Trainable { get; }

    /// <inheritdoc/>
    public override bool IsSequence => Categorical.IsSequence;

    /// <summary>Columns that share one table; the columns' numbers of buckets must be equal.</summary>
    /// <exception cref="FeatureException">They are not, or a parameter is wrong as in the constructor.</exception>
    public static EmbeddingColumn[] Shared(IReadOnlyList<ICategoricalColumn> categoricals, int dimension, Combiner combiner = Combiner.Mean,
        float? maxNorm = null, bool trainable = true, string? tableName = null)
    {
        ArgumentNullException.ThrowIfNull(categoricals);
        var names = categoricals.Select(c => c.Name).ToArray();
        Array.Sort(names, NameOrder.Compare);
        tableName ??= string.Join("_", names) + "_shared_embedding";
        if (categoricals.Count == 0) throw new FeatureException(tableName, "there is no column");
        foreach (var c in categoricals)
            if (c.BucketCount != categoricals[0].BucketCount)
                throw new FeatureException(tableName,
                    $"{c.Name} has {c.BucketCount} buckets, {categoricals[0].Name} has {categoricals[0].BucketCount}");
        return [.. categoricals.Select(c =>
            new EmbeddingColumn(c, c.Name + "_shared_embedding", tableName, dimension, combiner, maxNorm, trainable))];
    }

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec) => Categorical.AddTo(spec);
}
