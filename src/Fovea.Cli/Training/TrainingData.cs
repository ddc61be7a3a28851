using Fovea.Cli.Eval;
using Fovea.Data;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Training;

/// <summary>Images to learn and further ones to judge by, square and of one size.</summary>
/// <param name="Learnt">What a system is trained on.</param>
/// <param name="HeldOut">What it has not seen.</param>
/// <param name="Size">Pixels of a side.</param>
/// <param name="MostObjects">No image has more.</param>
internal sealed record TrainingData(ILabelledImages Learnt, ILabelledImages HeldOut, int Size, int MostObjects)
{
    /// <summary>Kinds of generated scenes.</summary>
    internal static IReadOnlyList<string> SceneKinds { get; } = ["shapes", "small", "crowds", "fashion"];

    /// <summary>Generated scenes: the first ones of a seed are learnt, the next ones held out.</summary>
    internal static TrainingData Scenes(SceneOptions options, long seed, int learnt, int heldOut) =>
        Split(new SceneGenerator(options, seed, (long)learnt + heldOut), heldOut, options.Width, options.MaxObjects);

    /// <summary>What scenes of a kind look like.</summary>
    /// <exception cref="ModelNotInstalledException">The pictures of "fashion" are not there.</exception>
    internal static SceneOptions SceneOptionsOf(string kind, int size) => kind switch
    {
        "small" => new SceneOptions { Width = size, Height = size, MinSize = 6, MaxSize = 14, MaxObjects = 8 },
        "crowds" => new SceneOptions { Width = size, Height = size, MaxSize = 36, MinObjects = 4, MaxObjects = 12, MaxOverlap = 0.6, Clusters = 2, ClusterRadius = size / 6.0 },
        "fashion" => new SceneOptions { Width = size, Height = size, MinSize = 20, Shapes = [], Items = FashionMnist.Open(), Grounds = Enum.GetValues<SceneGround>() },
        _ => new SceneOptions { Width = size, Height = size },
    };

    /// <summary>Images with labels of one's own: the last ones are held out.</summary>
    /// <exception cref="FormatException">The labels are not well formed, or too few.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    internal static TrainingData Labels(LabelSource labels, string images, int size, int? heldOut)
    {
        var dataset = labels.Load();
        var count = dataset.Images.Count;
        var judged = heldOut ?? Math.Max(1, count / 10);
        if (judged >= count) throw new FormatException($"{labels.Path}: of {count} images, {judged} cannot be held out");
        if (dataset.Categories.Count == 0) throw new FormatException($"{labels.Path} names no category");
        var most = dataset.Objects.GroupBy(o => o.Image).Select(g => g.Count()).DefaultIfEmpty(0).Max();
        return Split(new AnnotatedImages(dataset, images, size), judged, size, most);
    }

    private static TrainingData Split(ILabelledImages all, int heldOut, int size, int mostObjects) =>
        new(new LabelledRange(all, 0, all.Count - heldOut), new LabelledRange(all, all.Count - heldOut, heldOut), size, mostObjects);
}
