using Fovea.Models.Backbones;
using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A way from fine to coarse over a feature pyramid (Liu et al., "Path Aggregation Network", 2018): N_2 = P_2 and
/// N_(l+1) = conv3x3(P_(l+1) + conv3x3/2(N_l)), each convolution followed by the style's normalisation and activation.</summary>
public sealed class PathAggregation : Backbone
{
    private readonly Backbone _pyramid;
    private readonly ConvNormActivation[] _down, _outputs;

    /// <summary>Puts the way over <paramref name="pyramid"/>, whose levels have equal channels and which is disposed with it.</summary>
    public PathAggregation(Initializer init, string name, Backbone pyramid, ConvStyle style) : base(name)
    {
        ArgumentNullException.ThrowIfNull(pyramid);
        _pyramid = Add(pyramid);
        var channels = pyramid.LevelChannels[0];
        if (pyramid.LevelChannels.Any(c => c != channels)) throw new ArgumentException($"{name}: the levels have unequal channels", nameof(pyramid));
        (LevelChannels, LevelStrides) = (pyramid.LevelChannels, pyramid.LevelStrides);
        var steps = LevelChannels.Count - 1;
        _down = [.. Enumerable.Range(0, steps).Select(i => Add(ConvNormActivation.Same(init, $"{name}.down.{i}", channels, channels, 3, style, stride: 2)))];
        _outputs = [.. Enumerable.Range(0, steps).Select(i => Add(ConvNormActivation.Same(init, $"{name}.out.{i}", channels, channels, 3, style)))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = _pyramid.Levels(image).ToArray();
        for (var i = 0; i < _down.Length; i++) levels[i + 1] = _outputs[i].Forward(_down[i].Forward(levels[i]).Add(levels[i + 1]));
        return levels;
    }
}
