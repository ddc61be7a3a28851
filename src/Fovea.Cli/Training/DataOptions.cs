using System.CommandLine;
using System.CommandLine.Parsing;
using Fovea.Cli.Commands;
using Fovea.Cli.Eval;

namespace Fovea.Cli.Training;

/// <summary>The options of <c>fovea train</c> that say what is learnt.</summary>
internal sealed class DataOptions
{
    private readonly Option<string> _scenes = new("--scenes")
    {
        Description = "Generated scenes: shapes; small (6 to 14 pixels); crowds; fashion (pictures of 'fovea models fetch fashion-mnist').",
        DefaultValueFactory = _ => TrainingData.SceneKinds[0],
    };

    private readonly Option<string?> _labels = new("--labels")
    {
        HelpName = "PATH",
        Description = "Instead of scenes: a COCO .json file, a folder of VOC .xml files or a WIDER FACE .txt file, with --photos.",
    };

    private readonly Option<string?> _photos = new("--photos") { HelpName = "FOLDER", Description = "Folder of the images of --labels." };

    private readonly Option<int?> _objects = NumberOption.Create<int>(
        "--objects", "Most objects of a scene [default: by the kind of scenes].", n => n is >= 1 and <= 100, "must lie between 1 and 100");

    internal DataOptions() => _scenes.AcceptOnlyFromAmong([.. TrainingData.SceneKinds]);

    /// <summary>Scenes to learn.</summary>
    internal Option<int?> Images { get; } = NumberOption.AtLeast1<int>("--images", "Scenes to learn [default: 64].");

    /// <summary>Further ones to judge by.</summary>
    internal Option<int?> HeldOut { get; } = NumberOption.AtLeast1<int>(
        "--held-out", "Further scenes, or the last images of --labels, to judge by [default: 64; a tenth of the labels].");

    /// <summary>Pixels of a side.</summary>
    internal Option<int?> Size { get; } = NumberOption.Create<int>(
        "--size", "Pixels of a side of what the detector sees [default: 96].", n => n is >= 32 and <= 1024 && n % 32 == 0, "must be a multiple of 32 from 32 to 1024");

    /// <summary>The options that choose other images than a system's usual scenes.</summary>
    internal IReadOnlyList<Option> Kinds => [_scenes, _labels, _photos, _objects];

    internal void AddTo(Command command)
    {
        foreach (var option in (Option[])[.. Kinds, Images, HeldOut, Size]) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_labels) is null != result.GetValue(_photos) is null) result.AddError("--labels and --photos need each other");
            if (result.GetValue(_labels) is not null && (IsGiven(result, _scenes) || IsGiven(result, Images) || IsGiven(result, _objects)))
                result.AddError("--labels takes the place of --scenes, --images and --objects");
        });
    }

    /// <summary>What is learnt.</summary>
    /// <exception cref="FormatException">Labels are not well formed.</exception>
    /// <exception cref="IOException">Labels or pictures cannot be read.</exception>
    internal TrainingData Open(ParseResult parsed, long seed)
    {
        var (size, heldOut) = (parsed.GetValue(Size) ?? 96, parsed.GetValue(HeldOut));
        if (parsed.GetValue(_labels) is { } path)
        {
            var photos = parsed.GetValue(_photos)!;
            return TrainingData.Labels(new LabelSource(path, null, photos, null, null), photos, size, heldOut);
        }
        var options = TrainingData.SceneOptionsOf(parsed.GetValue(_scenes)!, size);
        if (parsed.GetValue(_objects) is { } most) options = options with { MaxObjects = most, MinObjects = Math.Min(options.MinObjects, most) };
        return TrainingData.Scenes(options, seed, parsed.GetValue(Images) ?? 64, heldOut ?? 64);
    }

    private static bool IsGiven(CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };
}
