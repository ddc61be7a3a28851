using System.Globalization;
using System.Text;

namespace Fovea.Data;

/// <summary>What features a set of Examples or SequenceExamples has: found by looking at records, because a TFRecord file
/// carries no schema.</summary>
public sealed class ExampleSchema
{
    private readonly Dictionary<string, FeatureSummary> _features = [];
    private readonly Dictionary<string, FeatureSummary> _lists = [];
    private readonly Dictionary<string, FeatureSummary>.AlternateLookup<ReadOnlySpan<char>> _byFeature;
    private readonly Dictionary<string, FeatureSummary>.AlternateLookup<ReadOnlySpan<char>> _byList;

    /// <summary>An empty schema.</summary>
    public ExampleSchema()
    {
        _byFeature = _features.GetAlternateLookup<ReadOnlySpan<char>>();
        _byList = _lists.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Records seen.</summary>
    public long Records { get; private set; }

    /// <summary>The features, or those of the context, by name.</summary>
    public IEnumerable<FeatureSummary> Features => _features.Values.OrderBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>The feature lists of SequenceExamples, by name.</summary>
    public IEnumerable<FeatureSummary> Lists => _lists.Values.OrderBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>Takes a record into account.</summary>
    /// <exception cref="ExampleException">It is no Example.</exception>
    public void Add(ReadOnlySpan<byte> record)
    {
        foreach (var feature in new ExampleReader(record)) Of(_byFeature, feature.Name).Add(Records, feature);
        foreach (var list in new SequenceExampleReader(record)) Of(_byList, list.Name).Add(Records, list);
        Records++;
    }

    /// <summary>A parser for such records: FixedLen where every record had as many values, else VarLen. In feature lists
    /// FixedLenSequence where every step had as many.</summary>
    public ExampleParser CreateParser() => new(Features.Select(f => f.ToSpec(Records)), Lists.Select(f => f.ToSpec(Records)));

    /// <summary>A line for each feature.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var feature in Features) text.Append(CultureInfo.InvariantCulture, $"{feature.Describe(Records)}\n");
        foreach (var list in Lists) text.Append(CultureInfo.InvariantCulture, $"{list.Describe(Records)}\n");
        return text.ToString();
    }

    private static FeatureSummary Of(
        Dictionary<string, FeatureSummary>.AlternateLookup<ReadOnlySpan<char>> features, ReadOnlySpan<byte> name)
    {
        Span<char> small = stackalloc char[256];
        var text = name.Length <= small.Length ? small[..Encoding.UTF8.GetChars(name, small)] : Encoding.UTF8.GetString(name).AsSpan();
        if (!features.TryGetValue(text, out var summary)) features[text] = summary = new FeatureSummary(text.ToString());
        return summary;
    }
}
