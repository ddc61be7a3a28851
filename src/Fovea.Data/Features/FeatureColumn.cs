namespace Fovea.Data;

/// <summary>A declaration of how raw features become model input, in the terms of TensorFlow's feature columns. Immutable; any
/// number of threads may use one.</summary>
public abstract class FeatureColumn
{
    private protected FeatureColumn(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>Name as in TensorFlow, for example <c>age_bucketized</c>. Layers order their columns by it.</summary>
    public string Name { get; }

    /// <summary>Whether the column describes sequences: for <see cref="SequenceFeatures"/> only.</summary>
    public virtual bool IsSequence => false;

    /// <summary>Adds the raw features that the column reads.</summary>
    public abstract void AddTo(ParseSpec spec);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
