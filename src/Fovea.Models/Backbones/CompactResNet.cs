using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>A residual network for small images and short training: a 3x3 stem of stride 2, then levels of <see cref="BasicBlock"/>s of
/// strides 4, 8, 16, ... It stands where the papers have a ResNet-50.</summary>
public sealed class CompactResNet : SequentialBackbone
{
    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="widths">Channels of each level; the stem has half of the first.</param>
    /// <param name="blocks">Blocks per level.</param>
    /// <param name="firstLevel">Finer levels are computed, but no level of the result.</param>
    /// <param name="normalization">Behind each convolution; groups have 8 channels.</param>
    public CompactResNet(Initializer init, string name, ReadOnlySpan<int> widths, int blocks = 1, int firstLevel = 0,
        Normalization normalization = Normalization.Group) : base(name)
    {
        ConvStyle Style(int channels) => new() { Normalization = normalization, Groups = Math.Max(1, channels / 8) };
        var channels = widths[0] / 2;
        Then(ConvNormActivation.Same(init, $"{name}.stem", 3, channels, 3, Style(channels), stride: 2));
        for (var level = 0; level < widths.Length; level++)
        {
            for (var i = 0; i < blocks; i++)
            {
                Then(new BasicBlock(init, $"{name}.layer{level + 1}.{i}", channels, widths[level], i == 0 ? 2 : 1, Style(widths[level])));
                channels = widths[level];
            }
            if (level >= firstLevel) EndLevel(channels, 4 << level);
        }
    }
}
