namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Version 4: a weighted average of values per channel.</summary>
internal sealed class Rwkv4TimeMix : RwkvMix
{
    private readonly TokenShift _shift;
    private readonly LinearLayer _key, _value, _receptance, _output;
    private readonly DeviceTensor _decay, _bonus;
    private readonly string _name;
    private readonly int _width;

    public Rwkv4TimeMix(RwkvWeights w)
    {
        (_name, _width) = ($"{w.Prefix}wkv", w.Options.Width);
        _shift = new TokenShift(w, w.Floats("time_mix_k", _width), w.Floats("time_mix_v", _width), w.Floats("time_mix_r", _width));
        _key = w.Linear("key.weight", _width, _width);
        _value = w.Linear("value.weight", _width, _width);
        _receptance = w.Linear("receptance.weight", _width, _width, Activation.Sigmoid);
        _output = w.Linear("output.weight", _width, _width);
        _decay = w.Tensor("time_decay", _width); // the file has -exp of the trained number
        _bonus = w.Tensor("time_first", _width);
    }

    // An exponent of -1e38 gives numerator and denominator the weight 0, whatever they hold.
    public override DeviceTensor[] AddState(SequenceState state) => [_shift.AddState(state), state.Add(_name, -1e38f, 3, _width)];

    public override DeviceTensor Forward(DeviceStream stream, DeviceTensor x, ReadOnlySpan<DeviceTensor> state, ref DeviceTensor? shared)
    {
        var streams = state[0].Shape[0];
        var mixed = _shift.Forward(stream, x, state[0]);
        using var key = _key.Forward(stream, mixed[0]);
        using var value = _value.Forward(stream, mixed[1]);
        using var receptance = _receptance.Forward(stream, mixed[2]);
        Release(mixed);
        using var average = Like(stream, x);
        Kernels.Wkv(stream, _decay, _bonus, key.Reshape(streams, -1, _width), value.Reshape(streams, -1, _width), state[1], average.Reshape(streams, -1, _width));
        Kernels.Binary(stream, BinaryOp.Mul, average, receptance, average);
        return _output.Forward(stream, average);
    }
}
