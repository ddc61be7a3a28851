using Fovea.Models.Backbones;
using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A feature pyramid over the levels of a backbone (Lin et al., "Feature Pyramid Networks", 2017): every level gets what the
/// coarser ones know. P_l = conv3x3(M_l) with M_l = conv1x1(C_l) + nearest(M_(l+1)) in the exact size of C_l; convolutions have a bias, no
/// normalisation and no activation.</summary>
public sealed class FeaturePyramid : Backbone
{
    private static readonly ConvStyle Plain = new() { Normalization = Normalization.None, Activation = Activation.None };
    private static readonly ResizeOptions Nearest = new() { Mode = ResizeMode.Nearest };

    private readonly Backbone _backbone;
    private readonly ConvNormActivation[] _laterals, _outputs;
    private readonly ConvNormActivation[] _extra = [];
    private readonly ExtraLevels _extraLevels;

    /// <summary>Puts a pyramid over <paramref name="backbone"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the pyramid.</param>
    /// <param name="backbone">Gives C_2, C_3, ...; a coarser level has half the size, rounded either way.</param>
    /// <param name="channels">Of every level that comes out.</param>
    /// <param name="extra">Levels above the backbone's last.</param>
    public FeaturePyramid(Initializer init, string name, Backbone backbone, int channels = 256, ExtraLevels extra = ExtraLevels.None) : base(name)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        _backbone = Add(backbone);
        _extraLevels = extra;
        _laterals = [.. backbone.LevelChannels.Select((c, i) => Conv($"inner_blocks.{i}", c, 1, 1))];
        _outputs = [.. backbone.LevelChannels.Select((_, i) => Conv($"layer_blocks.{i}", channels, 3, 1))];
        if (extra is ExtraLevels.FromPyramid or ExtraLevels.FromBackbone)
            _extra = [Conv("extra_blocks.p6", extra == ExtraLevels.FromPyramid ? channels : backbone.LevelChannels[^1], 3, 2), Conv("extra_blocks.p7", channels, 3, 2)];
        var more = extra == ExtraLevels.Subsampled ? 1 : _extra.Length;
        LevelChannels = [.. Enumerable.Repeat(channels, _outputs.Length + more)];
        LevelStrides = [.. backbone.LevelStrides, .. Enumerable.Range(1, more).Select(i => backbone.LevelStrides[^1] << i)];

        ConvNormActivation Conv(string path, int inChannels, int kernel, int stride) =>
            Add(ConvNormActivation.Same(init, $"{name}.{path}", inChannels, channels, kernel, Plain, stride, initialWeights: InitialWeights.LecunUniform));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Value> Levels(Value image) => Merge(_backbone.Levels(image));

    /// <summary>The pyramid over levels that were computed already.</summary>
    public IReadOnlyList<Value> Merge(IReadOnlyList<Value> levels)
    {
        ArgumentNullException.ThrowIfNull(levels);
        if (levels.Count != _laterals.Length) throw new ArgumentException($"{Name}: {levels.Count} levels, the pyramid has {_laterals.Length}", nameof(levels));
        var pyramid = new Value[_outputs.Length];
        Value coarser = default;
        for (var i = pyramid.Length - 1; i >= 0; i--)
        {
            var merged = _laterals[i].Forward(levels[i]);
            if (coarser.IsPresent) merged = merged.Add(coarser.Resize(Nearest, merged.Shape[1], merged.Shape[2]));
            pyramid[i] = _outputs[i].Forward(merged);
            coarser = merged;
        }
        return [.. pyramid, .. Above(pyramid[^1], levels[^1])];
    }

    private Value[] Above(Value last, Value backboneLast)
    {
        if (_extraLevels == ExtraLevels.None) return [];
        if (_extraLevels == ExtraLevels.Subsampled) return [last.Pool2D(new Pool2DOptions(PoolMode.Max, 1, 2))];
        var sixth = _extra[0].Forward(_extraLevels == ExtraLevels.FromPyramid ? last : backboneLast);
        return [sixth, _extra[1].Forward(sixth.Activate(Activation.Relu))];
    }
}
