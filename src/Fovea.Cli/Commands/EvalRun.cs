using Fovea.Cli.Detectors;
using Fovea.Cli.Eval;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Commands;

/// <summary>Loads labels, takes detections from a file or a running detector, and writes what they are worth.</summary>
internal sealed class EvalRun(CliConsole console, LabelSource source, Metric metric, Func<DetectorOptions, IDetector> createDetector)
{
    /// <summary>Returns an exit code. Exactly one of <paramref name="file"/> and <paramref name="model"/> is given.</summary>
    internal int Run(string? file, DetectorOptions? model, bool json, bool perCategory)
    {
        AnnotatedDataset dataset;
        ScoredBox[] detections;
        var failures = 0;
        try
        {
            dataset = source.Load();
            detections = file is null ? [] : ReadDetections(file, dataset);
        }
        catch (Exception e) when (e is AnnotationFormatException or ImageFormatException or IOException or UnauthorizedAccessException)
        {
            console.Fail(e.Message);
            return ExitCode.BadUsage;
        }
        if (model is not null)
        {
            try
            {
                using var detector = createDetector(model);
                detections = Detect(detector, dataset, ref failures);
            }
            catch (FormatException e) when (e is not (TfliteFormatException or SafetensorsException))
            {
                console.Fail(e.Message);
                return ExitCode.BadUsage;
            }
            catch (Exception e) when (e is InvalidDataException or TfliteFormatException or SafetensorsException or IOException or UnauthorizedAccessException)
            {
                console.Fail(e.Message);
                return ExitCode.ModelUnavailable;
            }
        }
        var result = DetectionEvaluator.Evaluate(dataset, detections, metric.Options);
        var writer = new EvalWriter(console, dataset, metric, result, detections.Length);
        if (json) writer.WriteJson();
        else writer.WriteTable(perCategory);
        return failures == 0 ? ExitCode.Ok : ExitCode.SomeFileFailed;
    }

    // COCO's results are one array; the lines of fovea detect are objects.
    private static ScoredBox[] ReadDetections(string file, AnnotatedDataset dataset)
    {
        using var reader = new StreamReader(file);
        int first;
        do first = reader.Read();
        while (first >= 0 && char.IsWhiteSpace((char)first));
        return first == '{' ? DetectionLines.Read(file, dataset) : CocoJson.ReadDetections(file, dataset);
    }

    // An image that cannot be used is reported and counts as one without detections.
    private ScoredBox[] Detect(IDetector detector, AnnotatedDataset dataset, ref int failures)
    {
        var boxes = new List<ScoredBox>();
        using var progress = ProgressReport.Start(console, dataset.Images.Count, "images", least: 10);
        for (var i = 0; i < dataset.Images.Count; i++)
        {
            var path = Path.Combine(source.Images!, dataset.Images[i].FileName);
            try
            {
                foreach (var d in detector.Detect(ImageFile.LoadRgb(path)))
                    boxes.Add(new ScoredBox(i, dataset.CategoryNamed(d.Label), BoxXywh.FromCorners(d.X1, d.Y1, d.X2, d.Y2), d.Score));
            }
            catch (Exception e) when (e is ImageFormatException or IOException or UnauthorizedAccessException or DetectionException)
            {
                failures++;
                console.Fail(e.Message.StartsWith(path, StringComparison.Ordinal) ? e.Message : $"{path}: {e.Message}");
            }
            progress.AdvanceTo(i + 1);
        }
        return [.. boxes];
    }
}
