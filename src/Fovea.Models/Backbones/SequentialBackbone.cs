using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>Parts one after another. The map in front of each halving is a level, from stride 4 on: C2 to C5.</summary>
public abstract class SequentialBackbone : Backbone
{
    private readonly List<Module> _parts = [];
    private readonly List<int> _levelEnds = []; // number of parts up to and with the level's last
    private readonly List<int> _channels = [], _strides = [];
    private Module? _head;

    /// <summary>Names the backbone.</summary>
    protected SequentialBackbone(string name) : base(name) => (LevelChannels, LevelStrides) = (_channels, _strides);

    /// <inheritdoc/>
    public sealed override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = new List<Value>();
        var x = image;
        for (var i = 0; i < _parts.Count; i++)
        {
            x = _parts[i].Forward(x);
            if (_levelEnds.Contains(i + 1)) levels.Add(x);
        }
        return levels;
    }

    /// <summary>The logits [N][classes] where the backbone classifies, else the coarsest feature map.</summary>
    public sealed override Value Forward(Value x)
    {
        var last = Levels(x)[^1];
        return _head is null ? last : _head.Forward(last);
    }

    /// <summary>Takes the parts up to and with the first <paramref name="levels"/> levels out of training, as detectors do with the early
    /// layers of a backbone that was trained before: backward ends behind them.</summary>
    public void FreezeLevels(int levels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(levels);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(levels, _levelEnds.Count);
        for (var i = 0; levels > 0 && i < _levelEnds[levels - 1]; i++) _parts[i].Freeze();
    }

    /// <summary>Appends a part.</summary>
    protected void Then(Module part) => _parts.Add(Add(part));

    /// <summary>Says that a level ends here.</summary>
    protected void EndLevel(int channels, int stride)
    {
        _levelEnds.Add(_parts.Count);
        _channels.Add(channels);
        _strides.Add(stride);
    }

    /// <summary>Puts a classifier behind the last level.</summary>
    protected void Classify(string name, float dropout, params ReadOnlySpan<Dense> layers) => _head = Add(new Classifier(name, dropout, layers));
}
