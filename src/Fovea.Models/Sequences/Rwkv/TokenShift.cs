namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Mixes every position with the one before, each channel in its own proportion, several times over: a causal convolution with
/// two taps. All mixes look back to the same last position of the call before.</summary>
internal sealed class TokenShift
{
    private readonly DeviceTensor[] _taps;
    private readonly string _name;
    private readonly int _width;

    /// <param name="weights">Of the mix, whose prefix names the part of the state.</param>
    /// <param name="shares">Per mix, the share of the position itself; the rest is that of the one before.</param>
    public TokenShift(RwkvWeights weights, params ReadOnlySpan<float[]> shares)
    {
        (_name, _width) = ($"{weights.Prefix}shift", weights.Options.Width);
        _taps = new DeviceTensor[shares.Length];
        for (var i = 0; i < shares.Length; i++)
        {
            var taps = new float[2 * _width];
            for (var c = 0; c < _width; c++) (taps[2 * c], taps[2 * c + 1]) = (1 - shares[i][c], shares[i][c]);
            _taps[i] = weights.Tensor(taps, _width, 2);
        }
    }

    /// <summary>The last position of every stream.</summary>
    public DeviceTensor AddState(SequenceState state) => state.Add(_name, 0, 1, _width);

    /// <summary>x [B*L][C] to one [B*L][C] per mix; the caller disposes them.</summary>
    public DeviceTensor[] Forward(DeviceStream stream, DeviceTensor x, DeviceTensor last)
    {
        var sequence = x.Reshape(last.Shape[0], -1, _width);
        var mixed = new DeviceTensor[_taps.Length];
        // Every convolution replaces the state it is given: all but the last one get a copy.
        using var copy = DeviceTensor.Allocate(stream, DType.Float32, last.Shape);
        for (var i = 0; i < mixed.Length; i++)
        {
            mixed[i] = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
            var before = i + 1 < mixed.Length ? copy : last;
            if (before == copy) Kernels.Copy(stream, last, copy);
            Kernels.CausalConv1D(stream, Activation.None, sequence, _taps[i], null, before, mixed[i].Reshape(sequence.Shape));
        }
        return mixed;
    }
}
