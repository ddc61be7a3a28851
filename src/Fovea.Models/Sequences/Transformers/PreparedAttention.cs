namespace Fovea.Models.Sequences.Transformers;

/// <summary>A <see cref="MultiHeadAttention"/> with packed weights.</summary>
internal sealed class PreparedAttention(DeviceStream stream, MultiHeadAttention attention, WeightFormat format) : IDisposable
{
    public PreparedProjection Queries { get; } = new(stream, attention.Queries.Weight, attention.Queries.Bias, format);

    public PreparedProjection Keys { get; } = new(stream, attention.Keys.Weight, attention.Keys.Bias, format);

    public PreparedProjection Values { get; } = new(stream, attention.Values.Weight, attention.Values.Bias, format);

    public PreparedProjection Output { get; } = new(stream, attention.Output.Weight, attention.Output.Bias, format);

    public void Dispose()
    {
        Queries.Dispose();
        Keys.Dispose();
        Values.Dispose();
        Output.Dispose();
    }
}
