using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

/// <summary>Three convolutions of stride 2 with 4, 6 and 8 channels, each a level.</summary>
internal sealed class TinyBackbone : SequentialBackbone
{
    public TinyBackbone(Initializer init, ConvStyle style) : base("tiny")
    {
        var channels = 3;
        for (var i = 0; i < 3; i++)
        {
            Then(ConvNormActivation.Same(init, $"tiny.{i}", channels, 4 + 2 * i, 3, style, stride: 2));
            channels = 4 + 2 * i;
            EndLevel(channels, 2 << i);
        }
    }
}
