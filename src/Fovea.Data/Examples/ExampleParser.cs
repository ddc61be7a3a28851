namespace Fovea.Data;

/// <summary>tf.io.parse_example: says what to take from every record. Immutable and thread-safe; the records go into batches,
/// of which each is one thread's.
/// <para>As in TensorFlow, features that are not asked for are ignored, of a name that comes twice the last one counts, a
/// feature with no list is missing, and a feature of another kind or with another number of values than asked for is an
/// error.</para></summary>
public sealed class ExampleParser
{
    /// <summary>Takes features from every Example.</summary>
    /// <param name="features">What to take; from a SequenceExample, of its context.</param>
    /// <param name="lists">What to take of the feature lists of a SequenceExample: FixedLenSequence, VarLen or Ragged.</param>
    /// <exception cref="ArgumentException">Two columns have one name or want different things of one feature, or a default does
    /// not fit.</exception>
    public ExampleParser(IEnumerable<FeatureSpec> features, IEnumerable<FeatureSpec>? lists = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        Features = new ParsePlan(features, areLists: false);
        Lists = new ParsePlan(lists ?? [], areLists: true);
    }

    /// <summary>Takes features from every Example.</summary>
    /// <inheritdoc cref="ExampleParser(IEnumerable{FeatureSpec}, IEnumerable{FeatureSpec})" path="/exception"/>
    public ExampleParser(params FeatureSpec[] features) : this((IEnumerable<FeatureSpec>)features)
    {
    }

    internal ParsePlan Features { get; }

    internal ParsePlan Lists { get; }

    /// <summary>An empty batch. With a device its memory is pinned, and its columns can be copied there.</summary>
    public ExampleBatch CreateBatch(Device? device = null) => new(this, device);

    /// <summary>Parses records into a new batch.</summary>
    /// <exception cref="ExampleException">A record is malformed or not as expected.</exception>
    public ExampleBatch Parse(params ReadOnlySpan<ReadOnlyMemory<byte>> records)
    {
        var batch = CreateBatch();
        foreach (var record in records) batch.Add(record.Span);
        return batch;
    }
}
