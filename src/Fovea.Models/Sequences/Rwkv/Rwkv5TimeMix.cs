namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Versions 5.1 and 5.2: a matrix per head as memory, with a constant decay and a bonus for the current position; a norm per
/// head; from 5.2 on a gate on the output.</summary>
internal sealed class Rwkv5TimeMix : RwkvMix
{
    private readonly TokenShift _shift;
    private readonly LinearLayer _key, _value, _receptance, _output;
    private readonly LinearLayer? _gate;
    private readonly DeviceTensor _logDecay, _bonus, _gamma, _beta;
    private readonly string _name;
    private readonly int _heads, _size;

    public Rwkv5TimeMix(RwkvWeights w)
    {
        int width = w.Options.Width;
        (_name, _heads, _size) = ($"{w.Prefix}memory", w.Options.Heads, width / w.Options.Heads);
        var gated = w.Options.Version == RwkvVersion.V52;
        float[] Share(string name) => w.Floats($"time_mix_{name}", width);
        _shift = gated ? new TokenShift(w, Share("k"), Share("v"), Share("r"), Share("g")) : new TokenShift(w, Share("k"), Share("v"), Share("r"));
        _key = w.Linear("key.weight", width, width);
        _value = w.Linear("value.weight", width, width);
        _receptance = w.Linear("receptance.weight", width, width);
        _output = w.Linear("output.weight", width, width);
        if (gated) _gate = w.Linear("gate.weight", width, width, Activation.Silu);
        // The file has the decays themselves, of heads or of keys.
        _logDecay = w.Tensor(ByKey(w.Floats("time_decay", gated ? width : _heads), MathF.Log), _heads, _size);
        _bonus = w.Tensor(ByKey(gated ? w.Floats("time_faaaa", width) : w.Floats("time_first", _heads), x => x), _heads, _size);
        _gamma = w.Tensor("ln_x.weight", width);
        _beta = w.Tensor("ln_x.bias", width);
    }

    public override DeviceTensor[] AddState(SequenceState state) => [_shift.AddState(state), state.Add(_name, 0, _heads, _size, _size)];

    public override DeviceTensor Forward(DeviceStream stream, DeviceTensor x, ReadOnlySpan<DeviceTensor> state, ref DeviceTensor? shared)
    {
        var streams = state[0].Shape[0];
        DeviceTensor ByHead(DeviceTensor t) => t.Reshape(streams, -1, _heads, _size);
        var mixed = _shift.Forward(stream, x, state[0]);
        using var key = _key.Forward(stream, mixed[0]);
        using var value = _value.Forward(stream, mixed[1]);
        using var receptance = _receptance.Forward(stream, mixed[2]);
        using var read = Like(stream, x);
        Kernels.GatedLinearAttention(stream,
            new GatedLinearAttentionInputs { Q = ByHead(receptance), K = ByHead(key), V = ByHead(value), LogDecay = _logDecay, Bonus = _bonus },
            state[1], ByHead(read));
        Kernels.GroupNorm(stream, new GroupNormOptions(_heads) { Epsilon = 1e-5f }, read, _gamma, _beta, read);
        if (_gate is not null)
        {
            using var gate = _gate.Forward(stream, mixed[3]);
            Kernels.Binary(stream, BinaryOp.Mul, read, gate, read);
        }
        Release(mixed);
        return _output.Forward(stream, read);
    }

    private float[] ByKey(float[] values, Func<float, float> map)
    {
        var result = new float[_heads * _size];
        for (var i = 0; i < result.Length; i++) result[i] = map(values[values.Length == _heads ? i / _size : i]);
        return result;
    }
}
