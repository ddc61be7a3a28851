using System.Buffers;

namespace Fovea.Data;

/// <summary>Makes serialised tf.train.SequenceExamples, under the rules of <see cref="ExampleWriter"/>. A feature list is
/// begun, and the steps that are added then belong to it.</summary>
public sealed class SequenceExampleWriter
{
    private readonly FeatureMapWriter _lists = new();
    private WireWriter? _list;

    /// <summary>The context.</summary>
    public ExampleWriter Context { get; } = new();

    /// <summary>Begins a feature list, which may stay empty.</summary>
    public SequenceExampleWriter BeginList(string name)
    {
        EndList();
        _list = _lists.Begin(name);
        return this;
    }

    /// <summary>Adds a step of integers.</summary>
    /// <exception cref="InvalidOperationException">No list was begun.</exception>
    public SequenceExampleWriter AddStep(params ReadOnlySpan<long> values)
    {
        var start = BeginStep(out var list);
        FeatureWriter.Write(list, values);
        list.EndMessage(start);
        return this;
    }

    /// <summary>Adds a step of floats.</summary>
    /// <inheritdoc cref="AddStep(ReadOnlySpan{long})" path="/exception"/>
    public SequenceExampleWriter AddStep(params ReadOnlySpan<float> values)
    {
        var start = BeginStep(out var list);
        FeatureWriter.Write(list, values);
        list.EndMessage(start);
        return this;
    }

    /// <summary>Adds a step of strings, in UTF-8.</summary>
    /// <inheritdoc cref="AddStep(ReadOnlySpan{long})" path="/exception"/>
    public SequenceExampleWriter AddStep(params ReadOnlySpan<string> values)
    {
        var start = BeginStep(out var list);
        FeatureWriter.Write(list, values);
        list.EndMessage(start);
        return this;
    }

    /// <summary>Adds a step of byte strings.</summary>
    /// <inheritdoc cref="AddStep(ReadOnlySpan{long})" path="/exception"/>
    public SequenceExampleWriter AddStepBytes(params ReadOnlySpan<byte[]> values)
    {
        var start = BeginStep(out var list);
        FeatureWriter.Write(list, values);
        list.EndMessage(start);
        return this;
    }

    /// <summary>Appends the serialised SequenceExample.</summary>
    /// <exception cref="InvalidOperationException">A name was added twice.</exception>
    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        EndList();
        if (Context.Count > 0) Context.WriteTo(output);
        if (_lists.Count > 0) _lists.WriteTo(output, 2);
    }

    /// <summary>The serialised SequenceExample.</summary>
    public byte[] ToArray()
    {
        var output = new ArrayBufferWriter<byte>();
        WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Forgets the contents and keeps the memory.</summary>
    public void Clear()
    {
        EndList();
        Context.Clear();
        _lists.Clear();
    }

    private int BeginStep(out WireWriter list)
    {
        list = _list ?? throw new InvalidOperationException("begin a list before its steps");
        return list.BeginMessage(1);
    }

    private void EndList()
    {
        if (_list is null) return;
        _lists.End();
        _list = null;
    }
}
