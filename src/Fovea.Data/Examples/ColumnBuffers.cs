namespace Fovea.Data;

/// <summary>Memory of what a column has besides the values of its features.</summary>
internal sealed class ColumnBuffers(ColumnPlan plan, FeatureSlot[] slots, Device? device) : IDisposable
{
    /// <summary>The rows of a Sparse column, else null.</summary>
    internal SparseRows? Sparse { get; } = plan.Spec is SparseFeature spec
        ? new SparseRows(spec, slots[plan.Values], [.. plan.Parts.Select(part => slots[part])], device)
        : null;

    internal BatchBuffer<long> Inner { get; } = new(device);

    internal BatchBuffer<long> Indices { get; } = new(device);

    internal BatchBuffer<long> PaddedInt64s { get; } = new(device);

    internal BatchBuffer<float> PaddedFloats { get; } = new(device);

    public void Dispose()
    {
        Sparse?.Dispose();
        Inner.Dispose();
        Indices.Dispose();
        PaddedInt64s.Dispose();
        PaddedFloats.Dispose();
    }
}
