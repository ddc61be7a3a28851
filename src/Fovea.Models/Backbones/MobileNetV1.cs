using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>MobileNet of width 1 (Howard et al., "MobileNets", 2017).</summary>
public sealed class MobileNetV1 : SequentialBackbone
{
    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    public MobileNetV1(Initializer init, string name, int classes = 0) : base(name)
    {
        var style = new ConvStyle { Activation = Activation.Relu6, Epsilon = 1e-3f, Momentum = 0.01f };
        Then(ConvNormActivation.Same(init, $"{name}.0", 3, 32, 3, style, stride: 2));
        ReadOnlySpan<(int Channels, int Stride)> blocks =
        [
            (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
        ];
        var (channels, total) = (32, 2);
        for (var i = 0; i < blocks.Length; i++)
        {
            var (next, stride) = blocks[i];
            if (stride == 2 && total >= 4) EndLevel(channels, total);
            Then(new SeparableBlock(init, $"{name}.{i + 1}", channels, next, stride, style));
            (channels, total) = (next, total * stride);
        }
        EndLevel(channels, total);
        if (classes > 0) Classify($"{name}.fc", 0.001f, new Dense(init, $"{name}.fc", channels, classes));
    }
}
