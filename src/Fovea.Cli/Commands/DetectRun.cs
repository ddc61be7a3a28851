using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Fovea.Cli.Detectors;
using Fovea.Cli.Drawing;
using Fovea.Cli.Output;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary>Runs a detector over image files. A bad image is reported and skipped; a bad model ends the run.</summary>
internal sealed class DetectRun(
    CliConsole console, DetectorOptions options, bool json, Func<DetectorOptions, IDetector> createDetector)
{
    /// <summary>Returns an exit code.</summary>
    internal int Run(IReadOnlyList<string> images, string? output)
    {
        if (!AnnotatedPaths.TryPlan(images, output, out var annotated, out var problem))
        {
            console.Fail(problem);
            return ExitCode.BadUsage;
        }
        if (!TryLoad(out var detector)) return ExitCode.ModelUnavailable;
        using var _ = detector;
        IDetectionWriter writer = json ? new JsonWriter(console.Out, options.Model) : new TableWriter(console);
        using var progress = ProgressReport.Start(console, images.Count, "images", least: 10);
        var failures = 0;
        for (var i = 0; i < images.Count; i++)
        {
            try
            {
                var image = ImageFile.LoadRgb(images[i]);
                var started = Stopwatch.GetTimestamp();
                var detections = detector.Detect(image);
                var milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                writer.Write(images[i], image, milliseconds, detections);
                if (annotated[i] is { } path) SaveAnnotated(path, image, detections);
            }
            catch (Exception e) when (e is ImageFormatException or IOException or UnauthorizedAccessException or DetectionException)
            {
                failures++;
                // Our own messages start with the file; those of the system may not.
                console.Fail(e.Message.StartsWith(images[i], StringComparison.Ordinal) ? e.Message : $"{images[i]}: {e.Message}");
            }
            progress.AdvanceTo(i + 1);
        }
        return failures == 0 ? ExitCode.Ok : ExitCode.SomeFileFailed;
    }

    private static void SaveAnnotated(string path, RgbImage image, IReadOnlyList<DetectedObject> detections)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        ImageFile.Save(path, Annotator.Draw(image, detections));
    }

    private bool TryLoad([NotNullWhen(true)] out IDetector? detector)
    {
        try
        {
            detector = createDetector(options);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or TfliteFormatException or SafetensorsException or IOException or UnauthorizedAccessException)
        {
            console.Fail(e.Message);
            detector = null;
            return false;
        }
    }
}
