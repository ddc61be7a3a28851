using Fovea.Data;

namespace Fovea.Cli.Training;

/// <summary>Images to learn and further ones to judge by, square and of one size.</summary>
internal sealed record TrainingData(ILabelledImages Learnt, ILabelledImages HeldOut, int Size)
{
    /// <summary>Generated scenes: the first ones of a seed are learnt, the next ones held out.</summary>
    internal static TrainingData Scenes(SceneOptions options, long seed, int learnt, int heldOut)
    {
        var scenes = new SceneGenerator(options, seed, (long)learnt + heldOut);
        return new TrainingData(new LabelledRange(scenes, 0, learnt), new LabelledRange(scenes, learnt, heldOut), options.Width);
    }
}
