using System.CommandLine;
using Fovea.Cli.Detectors;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea detect</c>: its arguments and their checks; <see cref="DetectRun"/> does the work.</summary>
internal static class DetectCommand
{
    internal static Command Create(CliConsole console, Func<DetectorOptions, IDetector> createDetector)
    {
        var images = FilesArgument.Create("IMAGE", "Image files: JPEG, PNG, WebP, GIF (first frame), BMP.");
        var model = new Option<string>("--model")
        {
            Description = $"Model that detects: {string.Join(", ", DetectorCatalog.Names)}, or a .safetensors file of 'fovea train'.",
            DefaultValueFactory = _ => "mtcnn",
        };
        model.Validators.Add(DetectorCatalog.CheckModel);
        var minFace = NumberOption.Create<int>(
            "--min-face", "mtcnn: side of the smallest face looked for, in pixels, at least 12 [default: 20].",
            n => n >= 12, "must be at least 12");
        var threshold = NumberOption.Create<float>(
            "--threshold", "Least score reported, 0 to 1 [default: the model's own].", t => t is >= 0 and <= 1, "must lie between 0 and 1");
        var threads = NumberOption.Threads("CPU threads, 1 to 256 [default: all cores].");
        var resampling = new Option<string>("--resampling")
        {
            Description = "How the image is scaled: area finds more in photos that are large for their faces.",
            DefaultValueFactory = _ => "bilinear",
        };
        resampling.AcceptOnlyFromAmong("bilinear", "area");
        var json = new Option<bool>("--json") { Description = "One JSON object per image and line instead of tables." };
        var output = new Option<string?>("--out")
        {
            HelpName = "PATH",
            Description = "Where annotated pictures go: a .png, .jpg or .webp file for one image, a folder for several.",
        };
        var command = new Command("detect", "Finds faces or objects in images.\n\n" + ExitCode.Help)
        {
            images, model, minFace, threshold, json, output, threads, resampling,
        };
        command.SetAction(result =>
        {
            var options = new DetectorOptions(
                result.GetValue(model)!, result.GetValue(minFace), result.GetValue(threshold), result.GetValue(threads),
                result.GetValue(resampling) == "area");
            return new DetectRun(console, options, result.GetValue(json), createDetector)
                .Run(result.GetValue(images)!, result.GetValue(output));
        });
        return command;
    }
}
