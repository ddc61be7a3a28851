using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>MobileNetV2 of width 1 (Sandler et al., 2018).</summary>
public sealed class MobileNetV2 : SequentialBackbone
{
    private const int Last = 1280;

    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    public MobileNetV2(Initializer init, string name, int classes = 0) : base(name)
    {
        var style = new ConvStyle { Activation = Activation.Relu6 };
        Then(ConvNormActivation.Same(init, $"{name}.0.0", 3, 32, 3, style, stride: 2, normName: $"{name}.0.1"));
        ReadOnlySpan<(int Expansion, int Channels, int Count, int Stride)> groups =
            [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
        var (channels, total, block) = (32, 2, 1);
        foreach (var (expansion, next, count, first) in groups)
        {
            if (first == 2 && total >= 4) EndLevel(channels, total);
            for (var i = 0; i < count; i++)
            {
                Then(new InvertedResidual(init, $"{name}.{block++}", channels, expansion * channels, next, 3, i == 0 ? first : 1, squeezed: 0, style));
                channels = next;
            }
            total *= first;
        }
        Then(ConvNormActivation.Same(init, $"{name}.{block}.0", channels, Last, 1, style, normName: $"{name}.{block}.1"));
        EndLevel(Last, total);
        if (classes > 0) Classify($"{name}.classifier", 0.2f, new Dense(init, $"{name}.classifier.1", Last, classes));
    }
}
