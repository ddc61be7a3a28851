namespace Fovea.Models.Sequences.Transformers;

/// <summary>A <see cref="MultiHeadAttention"/> with packed weights.</summary>
internal sealed class PreparedAttention(DeviceStream stream, MultiHeadAttention attention, WeightFormat format) : IDisposable
{
    public Projection Queries { get; } = attention.Queries.Pack(stream, format);

    public Projection Keys { get; } = attention.Keys.Pack(stream, format);

    public Projection Values { get; } = attention.Values.Pack(stream, format);

    public Projection Output { get; } = attention.Output.Pack(stream, format);

    public void Dispose()
    {
        Queries.Dispose();
        Keys.Dispose();
        Values.Dispose();
        Output.Dispose();
    }
}
