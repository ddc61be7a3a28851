namespace Fovea.Data;

/// <summary>linear_model: logits = sum over the columns + bias. A categorical column (a bucketised one too) adds the combined
/// weights of its ids, a dense one its product with a weight matrix. All weights are zero at first; the model owns them. One
/// instance serves one thread.</summary>
public sealed class LinearModel : IDisposable
{
    private readonly (ICategoricalColumn Column, DeviceTensor Weights)[] _categorical;
    private readonly DenseFeatures? _dense;
    private readonly DeviceTensor? _denseWeights;
    private readonly Dictionary<string, DeviceTensor> _weights = new(StringComparer.Ordinal);
    private readonly BagBatch _bag = new();

    /// <summary>Creates the model.</summary>
    /// <param name="stream">Where weights are allocated.</param>
    /// <param name="columns">Categorical, numeric, indicator and embedding columns.</param>
    /// <param name="units">Logits of a row.</param>
    /// <param name="combiner">How the weights of a categorical column's ids become one.</param>
    /// <param name="seed">For the tables of embedding columns.</param>
    /// <exception cref="FeatureException">A name occurs twice, or a column is a sequence.</exception>
    public LinearModel(DeviceStream stream, IEnumerable<FeatureColumn> columns, int units = 1, Combiner combiner = Combiner.Sum, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(units);
        var all = columns.ToArray();
        if (all.Length == 0) throw new FeatureException(nameof(LinearModel), "there is no column");
        foreach (var column in all)
        {
            if (column.IsSequence) throw new FeatureException(column.Name, "a sequence; a linear model takes none");
            if (all.Count(other => other.Name == column.Name) > 1)
                throw new FeatureException(column.Name, "two columns have this name");
        }
        Units = units;
        Combiner = combiner;
        try
        {
            var dense = all.Where(column => column is not ICategoricalColumn).ToArray();
            if (dense.Length > 0)
            {
                _dense = new DenseFeatures(stream, dense, seed);
                _denseWeights = Zeros(stream, _dense.Width, units);
                foreach (var (column, start, width) in _dense.Columns) _weights.Add(column.Name, _denseWeights.Rows(start, width));
            }
            var categorical = all.OfType<ICategoricalColumn>().OrderBy(column => column.Name, Comparer<string>.Create(NameOrder.Compare));
            foreach (var column in categorical) _weights.Add(column.Name, Zeros(stream, column.BucketCount, units));
            _categorical = [.. categorical.Select(column => (column, _weights[column.Name]))];
            Bias = Zeros(stream, units);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Logits of a row.</summary>
    public int Units { get; }

    /// <summary>How the weights of a categorical column's ids become one.</summary>
    public Combiner Combiner { get; }

    /// <summary>Weights by name of the column: [buckets][units] of a categorical one, [width][units] of a dense one.</summary>
    public IReadOnlyDictionary<string, DeviceTensor> Weights => _weights;

    /// <summary>The bias, [units].</summary>
    public DeviceTensor Bias { get; }

    /// <summary>The embedding tables, by <see cref="EmbeddingColumn.TableName"/>.</summary>
    public IReadOnlyDictionary<string, DeviceTensor> Tables => _dense?.Tables ?? new Dictionary<string, DeviceTensor>();

    /// <summary>Logits of the batch, [rows][units], Float32; the caller disposes them.</summary>
    /// <exception cref="FeatureException">The batch does not suit a column.</exception>
    public DeviceTensor Forward(DeviceStream stream, FeatureCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var rows = cache.Batch.Rows;
        var logits = Zeros(stream, rows, Units);
        try
        {
            if (_dense is not null)
            {
                using var features = _dense.Forward(stream, cache);
                Kernels.MatMul(stream, new MatMulOptions(), features, _denseWeights!, logits);
            }
            foreach (var (column, weights) in _categorical)
            {
                _bag.Prepare(cache.Ids(column), Combiner);
                if (Combiner == Combiner.Sum)
                {
                    _bag.Lookup(stream, weights, null, logits);
                    continue;
                }
                using var share = Zeros(stream, rows, Units);
                _bag.Lookup(stream, weights, null, share);
                Kernels.Binary(stream, BinaryOp.Add, logits, share, logits);
            }
            Kernels.Binary(stream, BinaryOp.Add, logits, Bias, logits);
            return logits;
        }
        catch
        {
            logits.Dispose();
            throw;
        }
    }

    /// <summary>Gives the weights back.</summary>
    public void Dispose()
    {
        foreach (var weights in _weights.Values) weights.Dispose(); // of dense columns: views, whose owner follows
        _denseWeights?.Dispose();
        _dense?.Dispose();
        Bias?.Dispose();
    }

    private static DeviceTensor Zeros(DeviceStream stream, params ReadOnlySpan<long> shape)
    {
        var tensor = DeviceTensor.Allocate(stream, DType.Float32, shape);
        tensor.Fill(stream, 0);
        return tensor;
    }
}
