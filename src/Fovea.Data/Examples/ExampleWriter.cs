using System.Buffers;
using System.Text;

namespace Fovea.Data;

/// <summary>Makes serialised tf.train.Examples. Features are written in the order of their names' bytes and lists are packed,
/// so equal features give equal bytes. It is filled, written, cleared and filled again, without garbage.</summary>
public sealed class ExampleWriter
{
    private readonly FeatureMapWriter _features = new();

    /// <summary>Number of features.</summary>
    public int Count => _features.Count;

    /// <summary>Adds a feature of integers.</summary>
    public ExampleWriter Add(string name, params ReadOnlySpan<long> values)
    {
        FeatureWriter.Write(_features.Begin(name), values);
        _features.End();
        return this;
    }

    /// <summary>Adds a feature of floats.</summary>
    public ExampleWriter Add(string name, params ReadOnlySpan<float> values)
    {
        FeatureWriter.Write(_features.Begin(name), values);
        _features.End();
        return this;
    }

    /// <summary>Adds a feature of one byte string.</summary>
    public ExampleWriter AddBytes(string name, ReadOnlySpan<byte> value)
    {
        FeatureWriter.Write(_features.Begin(name), value);
        _features.End();
        return this;
    }

    /// <summary>Adds a feature of byte strings.</summary>
    public ExampleWriter AddBytes(string name, params ReadOnlySpan<byte[]> values)
    {
        FeatureWriter.Write(_features.Begin(name), values);
        _features.End();
        return this;
    }

    /// <summary>Adds a feature of strings, in UTF-8.</summary>
    public ExampleWriter Add(string name, params ReadOnlySpan<string> values)
    {
        FeatureWriter.Write(_features.Begin(name), values);
        _features.End();
        return this;
    }

    /// <summary>Adds a feature that another Example has, as it is.</summary>
    public ExampleWriter Add(FeatureView feature)
    {
        _features.Begin(Encoding.UTF8.GetString(feature.Name)).WriteRaw(feature.Message);
        _features.End();
        return this;
    }

    /// <summary>Appends the serialised Example.</summary>
    /// <exception cref="InvalidOperationException">A name was added twice.</exception>
    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _features.WriteTo(output, 1);
    }

    /// <summary>The serialised Example.</summary>
    public byte[] ToArray()
    {
        var output = new ArrayBufferWriter<byte>();
        WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Forgets the features and keeps the memory.</summary>
    public void Clear() => _features.Clear();
}
