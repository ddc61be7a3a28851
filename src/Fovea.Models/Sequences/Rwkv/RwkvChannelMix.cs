namespace Fovea.Models.Sequences.Rwkv;

/// <summary>The feed-forward half: value * relu(key * x)^2, and before version 7 a sigmoid gate on it.</summary>
internal sealed class RwkvChannelMix : RwkvMix
{
    private readonly TokenShift _shift;
    private readonly LinearLayer _key, _value;
    private readonly LinearLayer? _receptance;

    public RwkvChannelMix(RwkvWeights w)
    {
        int width = w.Options.Width, hidden = w.Options.Hidden;
        var gated = w.Options.Version != RwkvVersion.V7;
        // Version 7 gives the share of the position before, the others that of the position itself.
        _shift = gated
            ? new TokenShift(w, w.Floats("time_mix_k", width), w.Floats("time_mix_r", width))
            : new TokenShift(w, Array.ConvertAll(w.Floats("x_k", width), share => 1 - share));
        _key = w.Linear("key.weight", width, hidden, Activation.Relu);
        _value = w.Linear("value.weight", hidden, width);
        if (gated) _receptance = w.Linear("receptance.weight", width, width, Activation.Sigmoid);
    }

    public override DeviceTensor[] AddState(SequenceState state) => [_shift.AddState(state)];

    public override DeviceTensor Forward(DeviceStream stream, DeviceTensor x, ReadOnlySpan<DeviceTensor> state, ref DeviceTensor? shared)
    {
        var mixed = _shift.Forward(stream, x, state[0]);
        using var key = _key.Forward(stream, mixed[0]);
        Kernels.Unary(stream, UnaryOp.Square, key, key);
        var y = _value.Forward(stream, key);
        if (_receptance is not null)
        {
            using var gate = _receptance.Forward(stream, mixed[1]);
            Kernels.Binary(stream, BinaryOp.Mul, y, gate, y);
        }
        Release(mixed);
        return y;
    }
}
