namespace Fovea.Data;

/// <summary>What one feature, or feature list, is like in the records of an <see cref="ExampleSchema"/>.</summary>
public sealed class FeatureSummary
{
    private long _lastRecord = -1;

    internal FeatureSummary(string name) => Name = name;

    /// <summary>Name of the feature.</summary>
    public string Name { get; }

    /// <summary>Type of the values; None until a value list was seen.</summary>
    public FeatureKind Kind { get; private set; }

    /// <summary>Whether records disagree about the kind.</summary>
    public bool IsMixed { get; private set; }

    /// <summary>Whether it is a list of a SequenceExample, whose counts are those of steps.</summary>
    public bool IsList { get; private set; }

    /// <summary>Records that have it.</summary>
    public long Records { get; private set; }

    /// <summary>Fewest values in a record, or in a step.</summary>
    public int FewestValues { get; private set; } = int.MaxValue;

    /// <summary>Most values in a record, or in a step.</summary>
    public int MostValues { get; private set; }

    /// <summary>Most steps of a list.</summary>
    public int MostSteps { get; private set; }

    /// <summary>What to ask a parser for, so that these records pass.</summary>
    public FeatureSpec ToSpec(long records)
    {
        var kind = Kind == FeatureKind.None ? FeatureKind.Bytes : Kind;
        var isEven = FewestValues == MostValues && MostValues > 0 && Kind != FeatureKind.None;
        int[] shape = MostValues == 1 ? [] : [MostValues];
        if (isEven && IsList) return new FixedLenSequenceFeature(Name, kind, shape);
        return isEven && Records == records ? new FixedLenFeature(Name, kind, shape) : new VarLenFeature(Name, kind);
    }

    internal string Describe(long records)
    {
        var count = FewestValues == MostValues ? $"{MostValues} values" : $"{FewestValues} to {MostValues} values";
        var steps = IsList ? $" in up to {MostSteps} steps" : "";
        return $"{Name}: {(IsMixed ? "several kinds" : Kind)}, {count}{steps}, in {Records} of {records} records";
    }

    internal void Add(long record, FeatureView feature)
    {
        See(record);
        AddValues(feature);
    }

    internal void Add(long record, FeatureListView list)
    {
        See(record);
        IsList = true;
        var steps = 0;
        foreach (var feature in list)
        {
            steps++;
            AddValues(feature);
        }
        MostSteps = Math.Max(MostSteps, steps);
    }

    // A name that comes twice in a record counts once.
    private void See(long record)
    {
        if (_lastRecord != record) Records++;
        _lastRecord = record;
    }

    private void AddValues(FeatureView feature)
    {
        var count = feature.Count;
        FewestValues = Math.Min(FewestValues, count);
        MostValues = Math.Max(MostValues, count);
        if (feature.Kind == FeatureKind.None) return;
        IsMixed |= Kind != FeatureKind.None && Kind != feature.Kind;
        Kind = feature.Kind;
    }
}
