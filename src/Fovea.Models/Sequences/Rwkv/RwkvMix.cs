namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Half of a block: from its norm to what is added to the residual stream.</summary>
internal abstract class RwkvMix
{
    /// <summary>Adds the parts that the mix remembers, in the order in which <see cref="Forward"/> expects them.</summary>
    public abstract DeviceTensor[] AddState(SequenceState state);

    /// <summary>x [B*L][C] to [B*L][C], which belongs to the caller.</summary>
    /// <param name="stream">Where everything is enqueued.</param>
    /// <param name="x">The streams one behind the other.</param>
    /// <param name="state">Advances by L positions.</param>
    /// <param name="shared">What the first block leaves for later ones; the caller disposes it at the end.</param>
    public abstract DeviceTensor Forward(DeviceStream stream, DeviceTensor x, ReadOnlySpan<DeviceTensor> state, ref DeviceTensor? shared);

    protected static DeviceTensor Like(DeviceStream stream, DeviceTensor x) => DeviceTensor.Allocate(stream, DType.Float32, x.Shape);

    protected static void Release(ReadOnlySpan<DeviceTensor> tensors)
    {
        foreach (var tensor in tensors) tensor.Dispose();
    }
}
