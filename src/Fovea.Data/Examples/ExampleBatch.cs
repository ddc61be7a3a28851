namespace Fovea.Data;

/// <summary>Records parsed into columns. It is filled, used, cleared and filled again: once its memory has the size of the
/// largest batch, adding a record allocates nothing. One thread at a time. Spans of its columns are valid until the next
/// <see cref="Add"/>.</summary>
public sealed class ExampleBatch : IDisposable
{
    private readonly ExampleParser _parser;
    private readonly BatchPart _features;
    private readonly BatchPart _lists;

    internal ExampleBatch(ExampleParser parser, Device? device)
    {
        _parser = parser;
        _features = new BatchPart(this, parser.Features, device);
        _lists = new BatchPart(this, parser.Lists, device);
    }

    /// <summary>Number of records.</summary>
    public int Count { get; private set; }

    /// <summary>The columns, in the order that the parser was given.</summary>
    public IReadOnlyList<ExampleColumn> Columns => _features.Columns;

    /// <summary>The columns of the feature lists of SequenceExamples.</summary>
    public IReadOnlyList<ExampleColumn> Lists => _lists.Columns;

    /// <summary>A column by its name.</summary>
    /// <exception cref="KeyNotFoundException">The parser has no such feature.</exception>
    public ExampleColumn this[string name] => _features.Find(name);

    /// <summary>Changes with the contents.</summary>
    internal long Version { get; private set; }

    /// <summary>A column of the feature lists by its name.</summary>
    /// <exception cref="KeyNotFoundException">The parser has no such list.</exception>
    public ExampleColumn List(string name) => _lists.Find(name);

    /// <summary>Parses a record and adds it. After an exception the batch is as it was before.</summary>
    /// <exception cref="ExampleException">The record is malformed or not as expected; the message names its index and the
    /// feature.</exception>
    public void Add(ReadOnlySpan<byte> record)
    {
        Version++;
        string? key = null;
        try
        {
            _features.Locate(record, 1);
            _features.Append(Count, record, ref key);
            if (_parser.Lists.Columns.Count > 0)
            {
                key = null;
                _lists.Locate(record, 2);
                _lists.AppendLists(Count, record, ref key);
            }
        }
        catch (ExampleException e)
        {
            throw new ExampleException(key is null ? $"record {Count}: {e.Message}" : $"record {Count}: feature '{key}': {e.Message}", e);
        }
        Count++;
    }

    /// <summary>Forgets the records and keeps the memory.</summary>
    public void Clear()
    {
        Version++;
        Count = 0;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _features.Dispose();
        _lists.Dispose();
    }
}
