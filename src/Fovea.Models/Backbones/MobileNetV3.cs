using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>MobileNetV3, large or small (Howard et al., "Searching for MobileNetV3", 2019).</summary>
public sealed class MobileNetV3 : SequentialBackbone
{
    // Kernel, channels inside, channels out, gate, hard swish, stride: tables 1 and 2 of the paper.
    private static readonly (int Kernel, int Expanded, int Channels, bool Gated, bool Swish, int Stride)[] LargeBlocks =
    [
        (3, 16, 16, false, false, 1), (3, 64, 24, false, false, 2), (3, 72, 24, false, false, 1), (5, 72, 40, true, false, 2),
        (5, 120, 40, true, false, 1), (5, 120, 40, true, false, 1), (3, 240, 80, false, true, 2), (3, 200, 80, false, true, 1),
        (3, 184, 80, false, true, 1), (3, 184, 80, false, true, 1), (3, 480, 112, true, true, 1), (3, 672, 112, true, true, 1),
        (5, 672, 160, true, true, 2), (5, 960, 160, true, true, 1), (5, 960, 160, true, true, 1),
    ];

    private static readonly (int Kernel, int Expanded, int Channels, bool Gated, bool Swish, int Stride)[] SmallBlocks =
    [
        (3, 16, 16, true, false, 2), (3, 72, 24, false, false, 2), (3, 88, 24, false, false, 1), (5, 96, 40, true, true, 2),
        (5, 240, 40, true, true, 1), (5, 240, 40, true, true, 1), (5, 120, 48, true, true, 1), (5, 144, 48, true, true, 1),
        (5, 288, 96, true, true, 2), (5, 576, 96, true, true, 1), (5, 576, 96, true, true, 1),
    ];

    private MobileNetV3(Initializer init, string name, bool isLarge, int classes) : base(name)
    {
        var swish = new ConvStyle { Activation = Activation.HardSwish, Epsilon = 1e-3f, Momentum = 0.01f };
        Then(ConvNormActivation.Same(init, $"{name}.0.0", 3, 16, 3, swish, stride: 2, normName: $"{name}.0.1"));
        var (channels, total, at) = (16, 2, 1);
        foreach (var block in isLarge ? LargeBlocks : SmallBlocks)
        {
            if (block.Stride == 2 && total >= 4) EndLevel(channels, total);
            var squeezed = block.Gated ? Eighths(block.Expanded / 4) : 0;
            Then(new InvertedResidual(init, $"{name}.{at++}", channels, block.Expanded, block.Channels, block.Kernel, block.Stride, squeezed,
                block.Swish ? swish : swish with { Activation = Activation.Relu }));
            (channels, total) = (block.Channels, total * block.Stride);
        }
        var last = 6 * channels;
        Then(ConvNormActivation.Same(init, $"{name}.{at}.0", channels, last, 1, swish, normName: $"{name}.{at}.1"));
        EndLevel(last, total);
        if (classes == 0) return;
        var hidden = isLarge ? 1280 : 1024;
        Classify($"{name}.classifier", 0.2f,
            new Dense(init, $"{name}.classifier.0", last, hidden, Activation.HardSwish), new Dense(init, $"{name}.classifier.3", hidden, classes));
    }

    /// <summary>The large network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    public static MobileNetV3 Large(Initializer init, string name, int classes = 0) => new(init, name, isLarge: true, classes);

    /// <summary>The small network; see <see cref="Large"/>.</summary>
    public static MobileNetV3 Small(Initializer init, string name, int classes = 0) => new(init, name, isLarge: false, classes);

    // The nearest multiple of eight that is no more than a tenth too small.
    private static int Eighths(int channels)
    {
        var rounded = Math.Max(8, (channels + 4) / 8 * 8);
        return 10 * rounded < 9 * channels ? rounded + 8 : rounded;
    }
}
