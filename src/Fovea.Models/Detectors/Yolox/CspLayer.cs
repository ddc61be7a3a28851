using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>A cross-stage partial layer (Wang et al., "CSPNet", 2020) as in YOLOX: one half of the channels goes through
/// <c>count</c> blocks of a 1x1 and a 3x3 convolution, the other one around them; a 1x1 convolution joins both.</summary>
internal sealed class CspLayer : Module
{
    private readonly ConvNormActivation _through, _around, _join;
    private readonly (Module Narrow, Module Wide)[] _blocks;
    private readonly bool _addsInput;

    /// <param name="parts">Makes the convolutions.</param>
    /// <param name="name">Path of the layer.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of the result; half of them inside.</param>
    /// <param name="count">Blocks.</param>
    /// <param name="addsInput">Whether a block adds what it gets to what it computes.</param>
    public CspLayer(YoloxParts parts, string name, int inChannels, int outChannels, int count, bool addsInput) : base(name)
    {
        var inner = outChannels / 2;
        _addsInput = addsInput;
        _through = Add(parts.Plain($"{name}.conv1", inChannels, inner));
        _around = Add(parts.Plain($"{name}.conv2", inChannels, inner));
        _blocks = [.. Enumerable.Range(0, count).Select(i =>
            ((Module)Add(parts.Plain($"{name}.m.{i}.conv1", inner, inner)), Add(parts.Wide($"{name}.m.{i}.conv2", inner, inner))))];
        _join = Add(parts.Plain($"{name}.conv3", 2 * inner, outChannels));
    }

    public override Value Forward(Value x)
    {
        var (y, around) = (_through.Forward(x), _around.Forward(x));
        foreach (var (narrow, wide) in _blocks)
        {
            var inner = wide.Forward(narrow.Forward(y));
            y = _addsInput ? inner.Add(y) : inner;
        }
        return _join.Forward(y.Concat(around));
    }
}
