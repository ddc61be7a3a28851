namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Version 7: the decay depends on the input, and the memory under a normalised key is partly replaced. Values of later blocks
/// lean on those of the first.</summary>
internal sealed class Rwkv7TimeMix : RwkvMix
{
    private readonly TokenShift _shift;
    private readonly LinearLayer _key, _value, _receptance, _output;
    private readonly LinearLayer _decayIn, _decayOut, _rateIn, _rateOut, _gateIn, _gateOut;
    private readonly LinearLayer? _firstIn, _firstOut;
    private readonly DeviceTensor _removalScale, _keyScale, _bonus, _gamma, _beta, _leastLength;
    private readonly string _name;
    private readonly int _heads, _size;

    public Rwkv7TimeMix(RwkvWeights w, bool isFirst)
    {
        int width = w.Options.Width;
        (_name, _heads, _size) = ($"{w.Prefix}memory", w.Options.Heads, width / w.Options.Heads);
        var ranks = w.Options.Ranks;
        // Six rows, in the order r, w, k, v, a, g: shares of the position before.
        var before = w.Floats("x_rwkvag", 6L * width);
        float[] Share(int row) => Array.ConvertAll(before[(row * width)..((row + 1) * width)], x => 1 - x);
        _shift = new TokenShift(w, Share(0), Share(1), Share(2), Share(3), Share(4), Share(5));
        _key = w.Linear("key.weight", width, width);
        _value = w.Linear("value.weight", width, width);
        _receptance = w.Linear("receptance.weight", width, width);
        _output = w.Linear("output.weight", width, width);
        (_decayIn, _decayOut) = Narrow(w, "w", ranks.Decay, Activation.Tanh, Activation.Sigmoid);
        (_rateIn, _rateOut) = Narrow(w, "a", ranks.Rate, Activation.None, Activation.Sigmoid);
        if (!isFirst) (_firstIn, _firstOut) = Narrow(w, "v", ranks.Value, Activation.None, Activation.Sigmoid);
        (_gateIn, _gateOut) = Narrow(w, "g", ranks.Gate, Activation.Sigmoid, Activation.None);
        _removalScale = w.Tensor("k_k", width);
        _keyScale = w.Tensor("k_a", width);
        _bonus = w.Tensor("r_k", width);
        _gamma = w.Tensor("ln_x.weight", width);
        _beta = w.Tensor("ln_x.bias", width);
        _leastLength = w.Tensor([1e-12f], 1);
    }

    public override DeviceTensor[] AddState(SequenceState state) => [_shift.AddState(state), state.Add(_name, 0, _heads, _size, _size)];

    public override DeviceTensor Forward(DeviceStream stream, DeviceTensor x, ReadOnlySpan<DeviceTensor> state, ref DeviceTensor? shared)
    {
        var streams = state[0].Shape[0];
        DeviceTensor ByHead(DeviceTensor t) => t.Reshape(streams, -1, _heads, _size);
        var mixed = _shift.Forward(stream, x, state[0]);
        using var receptance = _receptance.Forward(stream, mixed[0]);
        using var decay = Through(stream, _decayIn, _decayOut, mixed[1]);
        Kernels.Affine(stream, -MathF.Exp(-0.5f), 0, decay, decay);
        using var key = _key.Forward(stream, mixed[2]);
        var value = Value(stream, mixed[3], ref shared);
        using var rate = Through(stream, _rateIn, _rateOut, mixed[4]);
        using var gate = Through(stream, _gateIn, _gateOut, mixed[5]);
        Release(mixed);

        using var replacement = Like(stream, x);
        using var removal = Removal(stream, key);
        Kernels.Binary(stream, BinaryOp.Mul, removal, rate, replacement);
        Kernels.Unary(stream, UnaryOp.Neg, removal, removal);
        // key *= 1 + (rate - 1) * keyScale
        Kernels.Affine(stream, 1, -1, rate, rate);
        Kernels.Binary(stream, BinaryOp.Mul, rate, _keyScale, rate);
        Kernels.Affine(stream, 1, 1, rate, rate);
        Kernels.Binary(stream, BinaryOp.Mul, key, rate, key);

        using var read = Like(stream, x);
        Kernels.GatedLinearAttention(stream, new GatedLinearAttentionInputs
        {
            Q = ByHead(receptance),
            K = ByHead(key),
            V = ByHead(value),
            LogDecay = ByHead(decay),
            Removal = ByHead(removal),
            Replacement = ByHead(replacement),
        }, state[1], ByHead(read));
        Kernels.GroupNorm(stream, new GroupNormOptions(_heads) { Epsilon = 64e-5f }, read, _gamma, _beta, read);
        AddBonus(stream, receptance, key, value, read);
        Kernels.Binary(stream, BinaryOp.Mul, read, gate, read);
        if (value != shared) value.Dispose();
        return _output.Forward(stream, read);
    }

    private static (LinearLayer In, LinearLayer Out) Narrow(RwkvWeights w, string name, int rank, Activation inside, Activation outside) =>
        (w.Linear($"{name}1", w.Options.Width, rank, inside),
            w.Linear($"{name}2", rank, w.Options.Width, outside, name == "g" ? null : $"{name}0"));

    private static DeviceTensor Through(DeviceStream stream, LinearLayer into, LinearLayer outOf, DeviceTensor x)
    {
        using var inside = into.Forward(stream, x);
        return outOf.Forward(stream, inside);
    }

    // The first block's values serve all; later ones move towards them.
    private DeviceTensor Value(DeviceStream stream, DeviceTensor x, ref DeviceTensor? first)
    {
        var value = _value.Forward(stream, x);
        if (_firstIn is null) return first = value;
        using var share = Through(stream, _firstIn, _firstOut!, x);
        using var towards = Like(stream, x);
        Kernels.Binary(stream, BinaryOp.Sub, first!, value, towards);
        Kernels.Binary(stream, BinaryOp.Mul, towards, share, towards);
        Kernels.Binary(stream, BinaryOp.Add, value, towards, value);
        return value;
    }

    // The key, scaled, with length 1 in each head.
    private DeviceTensor Removal(DeviceStream stream, DeviceTensor key)
    {
        var removal = Like(stream, key);
        Kernels.Binary(stream, BinaryOp.Mul, key, _removalScale, removal);
        var rows = removal.Reshape(-1, _size);
        using var length = DeviceTensor.Allocate(stream, DType.Float32, rows.Shape[0], 1);
        Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.L2, 1), rows, length);
        Kernels.Binary(stream, BinaryOp.Max, length, _leastLength, length);
        Kernels.Binary(stream, BinaryOp.Div, rows, length, rows);
        return removal;
    }

    // read += value * the sum over the head of receptance * key * bonus
    private void AddBonus(DeviceStream stream, DeviceTensor receptance, DeviceTensor key, DeviceTensor value, DeviceTensor read)
    {
        using var products = Like(stream, key);
        Kernels.Binary(stream, BinaryOp.Mul, receptance, key, products);
        Kernels.Binary(stream, BinaryOp.Mul, products, _bonus, products);
        var rows = products.Reshape(-1, _size);
        using var sum = DeviceTensor.Allocate(stream, DType.Float32, rows.Shape[0], 1);
        Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.Sum, 1), rows, sum);
        Kernels.Binary(stream, BinaryOp.Mul, value.Reshape(-1, _size), sum, rows);
        Kernels.Binary(stream, BinaryOp.Add, read, products, read);
    }
}
