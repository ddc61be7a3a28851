using System.CommandLine;
using Fovea.Cli.Detectors;
using Fovea.Cli.Eval;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea eval</c>: its arguments and their checks; <see cref="EvalRun"/> does the work.</summary>
internal static class EvalCommand
{
    internal static Command Create(CliConsole console, Func<DetectorOptions, IDetector> createDetector)
    {
        var labels = new Argument<string>("LABELS")
        {
            Description = "COCO: a .json file. VOC: a folder of .xml files. WIDER FACE: a .txt file. YOLO: a folder of .txt files, with --names.",
        };
        var format = new Option<string?>("--format") { Description = "How the labels are written; by default told by LABELS." };
        format.AcceptOnlyFromAmong("coco", "voc", "wider", "yolo");
        var detections = new Option<string?>("--detections")
        {
            HelpName = "FILE",
            Description = "Detections to judge: COCO's list of results, or what 'fovea detect --json' wrote.",
        };
        var model = new Option<string?>("--model")
        {
            Description = $"Detector to run on the images instead: {string.Join(", ", DetectorCatalog.Names)}, or a .safetensors file of 'fovea train'.",
        };
        model.Validators.Add(DetectorCatalog.CheckModel);
        var images = new Option<string?>("--images") { HelpName = "FOLDER", Description = "Folder of the images, for --model and for YOLO's labels." };
        var imageSet = new Option<string?>("--image-set") { HelpName = "FILE", Description = "VOC: names of the images to take, one a line." };
        var names = new Option<string?>("--names") { HelpName = "FILE", Description = "YOLO: names of the classes, one a line." };
        var metric = new Option<string?>("--metric")
        {
            Description = "By whose rules: coco (twelve numbers), voc, voc2007 (eleven points), faces (by size); by default those of the labels.",
        };
        metric.AcceptOnlyFromAmong([.. Metric.All.Select(m => m.Name)]);
        var threshold = NumberOption.Create<float>(
            "--threshold", "Least score of --model, 0 to 1 [default: the model's own].", t => t is >= 0 and <= 1, "must lie between 0 and 1");
        var minFace = NumberOption.Create<int>("--min-face", "mtcnn: side of the smallest face, in pixels.", n => n >= 12, "must be at least 12");
        var threads = NumberOption.Threads("CPU threads of --model, 1 to 256 [default: all cores].");
        var perCategory = new Option<bool>("--per-category") { Description = "Average precision of every category too." };
        var json = new Option<bool>("--json") { Description = "One JSON object instead of tables." };
        var command = new Command("eval", "Judges detections by labelled images.\n\n" + ExitCode.Help)
        {
            labels, format, detections, model, images, imageSet, names, metric, threshold, minFace, threads, perCategory, json,
        };
        command.Validators.Add(result =>
        {
            var (hasFile, hasModel) = (result.GetValue(detections) is not null, result.GetValue(model) is not null);
            if (hasFile == hasModel) result.AddError("eval needs either --detections or --model");
            if (hasModel && result.GetValue(images) is null) result.AddError("--model needs --images");
            if (result.GetValue(format) == "yolo" && (result.GetValue(names) is null || result.GetValue(images) is null))
                result.AddError("--format yolo needs --names and --images");
            if (result.GetValue(names) is not null && result.GetValue(images) is null) result.AddError("--names needs --images");
        });
        command.SetAction(result =>
        {
            LabelFormat? chosen = result.GetValue(format) is { } name ? Enum.Parse<LabelFormat>(name, ignoreCase: true) : null;
            var source = new LabelSource(
                result.GetValue(labels)!, chosen, result.GetValue(images), result.GetValue(imageSet), result.GetValue(names));
            var detector = result.GetValue(model) is { } m
                ? new DetectorOptions(m, result.GetValue(minFace), result.GetValue(threshold), result.GetValue(threads))
                : null;
            return new EvalRun(console, source, Metric.Of(result.GetValue(metric), source.ActualFormat), createDetector)
                .Run(result.GetValue(detections), detector, result.GetValue(json), result.GetValue(perCategory));
        });
        return command;
    }
}
