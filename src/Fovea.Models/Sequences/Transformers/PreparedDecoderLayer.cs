namespace Fovea.Models.Sequences.Transformers;

/// <summary>A <see cref="DecoderLayer"/> with packed weights.</summary>
internal sealed class PreparedDecoderLayer : IDisposable
{
    private readonly Projection? _gate;
    private readonly Projection _up;
    private readonly Projection _down;

    public PreparedDecoderLayer(DeviceStream stream, DecoderLayer layer, WeightFormat format)
    {
        Layer = layer;
        Attention = new PreparedAttention(stream, layer.Attention, format);
        if (layer.Cross is not null) Cross = new PreparedAttention(stream, layer.Cross, format);
        var block = layer.FeedForward;
        _gate = block.Gate?.Pack(stream, format, block.Activation);
        _up = block.Up.Pack(stream, format, block.Gate is null ? block.Activation : default);
        _down = block.Down.Pack(stream, format);
    }

    /// <summary>The layer itself, whose norms serve here too.</summary>
    public DecoderLayer Layer { get; }

    public PreparedAttention Attention { get; }

    public PreparedAttention? Cross { get; }

    /// <summary>The feed-forward block: x [rows][width] to a new tensor of its shape.</summary>
    public DeviceTensor FeedForward(DeviceStream stream, DeviceTensor x)
    {
        using var up = _up.Forward(stream, x);
        if (_gate is not null)
        {
            using var gate = _gate.Forward(stream, x);
            Kernels.Binary(stream, BinaryOp.Mul, gate, up, up);
        }
        return _down.Forward(stream, up);
    }

    public void Dispose()
    {
        Attention.Dispose();
        Cross?.Dispose();
        _gate?.Dispose();
        _up.Dispose();
        _down.Dispose();
    }
}
