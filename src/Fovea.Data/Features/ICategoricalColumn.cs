namespace Fovea.Data;

/// <summary>A column that turns a row into any number of ids.</summary>
public interface ICategoricalColumn
{
    /// <summary>Name of the column.</summary>
    string Name { get; }

    /// <summary>Ids lie below this.</summary>
    long BucketCount { get; }

    /// <summary>Whether the column describes sequences.</summary>
    bool IsSequence { get; }

    /// <summary>Adds the raw features that the column reads.</summary>
    void AddTo(ParseSpec spec);

    /// <summary>Computes the ids of a batch. Use <see cref="FeatureCache.Ids"/>, which does it once.</summary>
    void Transform(FeatureCache cache, IdBatch output);
}
