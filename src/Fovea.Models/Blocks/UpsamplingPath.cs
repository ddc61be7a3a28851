using Fovea.Models.Backbones;
using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Brings the coarsest level of a backbone back to a fine map, one doubling after another (Xiao, Wu, Wei, "Simple Baselines for Human
/// Pose Estimation and Tracking", 2018; with deformable convolutions as in CenterNet). It has one level.</summary>
public sealed class UpsamplingPath : Backbone
{
    private readonly Backbone _backbone;
    private readonly UpsamplingStep[] _steps;
    private readonly ConvNormActivation[] _skips = [];

    /// <summary>Puts a path over <paramref name="backbone"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the part.</param>
    /// <param name="backbone">Levels, each of half the size of the finer one.</param>
    /// <param name="channels">Of each doubling, coarsest first; at most as many as levels below the coarsest where there are skips.</param>
    /// <param name="style">Of the convolutions.</param>
    /// <param name="isDeformable">Whether the convolution in front of each doubling is deformable.</param>
    /// <param name="hasSkips">Whether a 1x1 convolution of the backbone's level of the same size is added behind each doubling.</param>
    public UpsamplingPath(Initializer init, string name, Backbone backbone, ReadOnlySpan<int> channels, ConvStyle style,
        bool isDeformable = false, bool hasSkips = false) : base(name)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        if (channels.IsEmpty || (hasSkips && channels.Length >= backbone.LevelChannels.Count))
            throw new ArgumentException($"{name}: {channels.Length} doublings do not fit {backbone.LevelChannels.Count} levels", nameof(channels));
        _backbone = Add(backbone);
        _steps = new UpsamplingStep[channels.Length];
        if (hasSkips) _skips = new ConvNormActivation[channels.Length];
        var width = backbone.LevelChannels[^1];
        for (var i = 0; i < _steps.Length; i++)
        {
            _steps[i] = Add(new UpsamplingStep(init, name, 6 * i, width, channels[i], style, isDeformable));
            if (hasSkips) _skips[i] = Add(ConvNormActivation.Same(init, $"{name}.skips.{i}", backbone.LevelChannels[^(i + 2)], channels[i], 1, style.Linear));
            width = channels[i];
        }
        CoarsestStride = backbone.LevelStrides[^1];
        (LevelChannels, LevelStrides) = ([width], [CoarsestStride >> _steps.Length]);
    }

    /// <summary>Pixels of a cell of the backbone's last level: sides of images must be a multiple of it.</summary>
    public int CoarsestStride { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = _backbone.Levels(image);
        var x = levels[^1];
        for (var i = 0; i < _steps.Length; i++)
        {
            x = _steps[i].Forward(x);
            if (_skips.Length > 0) x = x.Add(_skips[i].Forward(levels[^(i + 2)]));
        }
        return [x];
    }
}
