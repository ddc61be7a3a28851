using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>The base of SSD300 (Liu et al., "SSD: Single Shot MultiBox Detector", 2016): VGG-16 whose first two dense layers are convolutions,
/// the first of them dilated by 6 instead of behind a halving, and four pairs of convolutions above. Levels of 38, 19, 10, 5, 3 and 1 cells
/// over 300 pixels; the first is normalised (<see cref="ChannelNorm"/>).</summary>
public sealed class SsdVgg16 : Backbone
{
    private static readonly ConvStyle Plain = new() { Normalization = Normalization.None };

    private readonly List<Module> _parts = [];
    private readonly List<int> _levelEnds = []; // number of parts up to and with the level's last
    private readonly ChannelNorm _firstNorm;

    /// <summary>Makes the network.</summary>
    public SsdVgg16(Initializer init, string name) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        var (channels, number) = (3, 0);
        ReadOnlySpan<(int Width, int Count)> stages = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];
        for (var stage = 0; stage < stages.Length; stage++)
        {
            // The third halving rounds up: 75 cells become 38. The fourth lies behind the first level, the fifth keeps the size.
            if (stage > 0) Then(new Pooling($"{name}.pool{stage}", new Pool2DOptions(PoolMode.Max, 2, 2) { CeilMode = stage == 3 }));
            for (var i = 0; i < stages[stage].Count; i++) Conv(stages[stage].Width, 3, padding: 1);
            if (stage == 3) _levelEnds.Add(_parts.Count);
        }
        Then(new Pooling($"{name}.pool5", new Pool2DOptions(PoolMode.Max, 3, 1, 1)));
        Conv(1024, 3, padding: 6, dilation: 6);
        Conv(1024, 1);
        _levelEnds.Add(_parts.Count);
        Pair(512, stride: 2, padding: 1);
        Pair(256, stride: 2, padding: 1);
        Pair(256);
        Pair(256);
        _firstNorm = Add(new ChannelNorm(init, $"{name}.scale", 512));
        LevelChannels = [512, 1024, 512, 256, 256, 256];
        LevelStrides = [8, 16, 32, 64, 100, 300];

        void Pair(int width, int stride = 1, int padding = 0)
        {
            Conv(width / 2, 1);
            Conv(width, 3, padding, stride: stride);
            _levelEnds.Add(_parts.Count);
        }

        void Conv(int width, int kernel, int padding = 0, int dilation = 1, int stride = 1)
        {
            var options = new Conv2DOptions(channels, width, kernel) { Padding = padding, Stride = stride, DilationHeight = dilation, DilationWidth = dilation };
            Then(new ConvNormActivation(init, $"{name}.conv{number++}", options, Plain));
            channels = width;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = new List<Value>();
        var x = image;
        for (var i = 0; i < _parts.Count; i++)
        {
            x = _parts[i].Forward(x);
            if (_levelEnds.Contains(i + 1)) levels.Add(levels.Count == 0 ? _firstNorm.Forward(x) : x);
        }
        return levels;
    }

    private void Then(Module part) => _parts.Add(Add(part));
}
