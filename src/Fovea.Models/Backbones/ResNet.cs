using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>A residual network (He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015) with torchvision's names and
/// its stride in the 3x3 convolutions.</summary>
public sealed class ResNet : SequentialBackbone
{
    private ResNet(Initializer init, string name, ReadOnlySpan<int> blocks, bool isDeep, int classes, Normalization normalization, int firstLevel) : base(name)
    {
        var style = new ConvStyle { Normalization = normalization };
        var prefix = name.Length == 0 ? "" : name + ".";
        Then(ConvNormActivation.Same(init, $"{prefix}conv1", 3, 64, 7, style, stride: 2, normName: $"{prefix}bn1"));
        Then(new Pooling($"{prefix}maxpool", new Pool2DOptions(PoolMode.Max, 3, 2, 1)));
        var channels = 64;
        for (var level = 0; level < blocks.Length; level++)
        {
            var width = 64 << level;
            for (var i = 0; i < blocks[level]; i++)
            {
                var path = $"{prefix}layer{level + 1}.{i}";
                var stride = i == 0 && level > 0 ? 2 : 1;
                Then(isDeep ? new Bottleneck(init, path, channels, width, stride, style) : new BasicBlock(init, path, channels, width, stride, style));
                channels = isDeep ? width * Bottleneck.Expansion : width;
            }
            if (level >= firstLevel) EndLevel(channels, 4 << level);
        }
        if (classes > 0) Classify($"{prefix}fc", 0, new Dense(init, $"{prefix}fc", channels, classes));
    }

    /// <summary>18 layers.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network; empty for a model of its own.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    /// <param name="normalization">Behind each convolution.</param>
    /// <param name="firstLevel">Finer levels are computed, but no level of the result: 1 for C3 to C5.</param>
    public static ResNet Of18(Initializer init, string name = "", int classes = 0, Normalization normalization = Normalization.Batch, int firstLevel = 0) =>
        new(init, name, [2, 2, 2, 2], isDeep: false, classes, normalization, firstLevel);

    /// <summary>34 layers; see <see cref="Of18"/>.</summary>
    public static ResNet Of34(Initializer init, string name = "", int classes = 0, Normalization normalization = Normalization.Batch, int firstLevel = 0) =>
        new(init, name, [3, 4, 6, 3], isDeep: false, classes, normalization, firstLevel);

    /// <summary>50 layers; see <see cref="Of18"/>.</summary>
    public static ResNet Of50(Initializer init, string name = "", int classes = 0, Normalization normalization = Normalization.Batch, int firstLevel = 0) =>
        new(init, name, [3, 4, 6, 3], isDeep: true, classes, normalization, firstLevel);

    /// <summary>101 layers; see <see cref="Of18"/>.</summary>
    public static ResNet Of101(Initializer init, string name = "", int classes = 0, Normalization normalization = Normalization.Batch, int firstLevel = 0) =>
        new(init, name, [3, 4, 23, 3], isDeep: true, classes, normalization, firstLevel);
}
