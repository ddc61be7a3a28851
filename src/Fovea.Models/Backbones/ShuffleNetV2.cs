using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>ShuffleNet V2 of width 1 (Ma et al., 2018) with torchvision's names.</summary>
public sealed class ShuffleNetV2 : SequentialBackbone
{
    private const int Stem = 24, Last = 1024;

    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    public ShuffleNetV2(Initializer init, string name, int classes = 0) : base(name)
    {
        var style = new ConvStyle();
        Then(ConvNormActivation.Same(init, $"{name}.conv1.0", 3, Stem, 3, style, stride: 2, normName: $"{name}.conv1.1"));
        Then(new Pooling($"{name}.maxpool", new Pool2DOptions(PoolMode.Max, 3, 2, 1)));
        EndLevel(Stem, 4);
        var channels = Stem;
        ReadOnlySpan<(int Count, int Channels)> stages = [(4, 116), (8, 232), (4, 464)];
        for (var stage = 0; stage < stages.Length; stage++)
        {
            for (var i = 0; i < stages[stage].Count; i++)
            {
                Then(new ShuffleUnit(init, $"{name}.stage{stage + 2}.{i}", channels, stages[stage].Channels, i == 0 ? 2 : 1, style));
                channels = stages[stage].Channels;
            }
            if (stage < stages.Length - 1) EndLevel(channels, 8 << stage);
        }
        Then(ConvNormActivation.Same(init, $"{name}.conv5.0", channels, Last, 1, style, normName: $"{name}.conv5.1"));
        EndLevel(Last, 32);
        if (classes > 0) Classify($"{name}.fc", 0, new Dense(init, $"{name}.fc", Last, classes));
    }
}
