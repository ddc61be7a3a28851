using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Systems;
using Fovea.Models.Mtcnn;
using Fovea.Training;
using Spectre.Console;

namespace Fovea.Cli.Training;

/// <summary>Trains MTCNN's networks, one after another, on scenes of drawn faces of 20 to 60 pixels among other shapes, and says what the cascade
/// finds in further scenes.</summary>
internal sealed class MtcnnTrainRun(CliConsole console, MtcnnTrainingOptions options)
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    internal string? Folder { get; init; }

    internal int Images { get; init; }

    internal int HeldOut { get; init; }

    internal int Size { get; init; }

    internal int Threads { get; init; }

    internal bool WritesJson { get; init; }

    internal int Run(CancellationToken stop)
    {
        try
        {
            if (Folder is not null) Directory.CreateDirectory(Folder);
            using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = Threads });
            using var nets = new MtcnnNets(new Initializer(stream, options.Seed));
            var scenes = new SceneGenerator(Faces(Size), options.Seed, (long)Images + HeldOut);
            var start = Stopwatch.GetTimestamp();
            using var trainer = new MtcnnTrainer(stream, nets, new LabelledRange(scenes, 0, Images), options);
            using (var progress = ProgressReport.Start(console, options.ProposalSteps + options.RefinementSteps + options.OutputSteps, "steps", least: 1, alwaysShows: true))
            {
                var done = 0L;
                trainer.Train((stage, step) =>
                {
                    stop.ThrowIfCancellationRequested();
                    progress.AdvanceTo(++done, string.Create(Invariant, $", {stage.ToString().ToLowerInvariant()} net, loss {step.Loss:G4}, {step.Milliseconds:F0} ms"));
                });
            }
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (Folder is not null) nets.Save(Path.Combine(Folder, "model.safetensors"));
            using var model = MtcnnModel.From(Device.Cpu, nets);
            var result = MtcnnEvaluation.Of(model, scenes, Images, HeldOut, options.Cascade, options.FaceClass);
            if (WritesJson) WriteJson(result, seconds);
            else Print(result, seconds);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException)
        {
            console.Error.WriteLine("fovea: stopped; nothing was saved");
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            console.Fail(e.Message);
            return ExitCode.BadUsage;
        }
    }

    private static SceneOptions Faces(int size) => new()
    {
        Width = size,
        Height = size,
        Shapes = [SceneShape.Face, SceneShape.Disc, SceneShape.Ellipse, SceneShape.Square],
        MinSize = 20,
        MaxSize = Math.Min(60, size),
        MaxObjects = 6,
        MaxOverlap = 0,
        MinVisible = 1,
        Grounds = Enum.GetValues<SceneGround>(),
        MinObjects = 2,
        Noise = 12,
        Blur = 2,
        HasMasks = false,
    };

    private void Print(MtcnnEvaluation result, double seconds)
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2).AddColumn("network");
        foreach (var title in (string[])["false windows", "passed", "removed"]) table.AddColumn(new TableColumn(title).RightAligned());
        foreach (var s in result.Stages)
            table.AddRow(s.Stage.ToString().ToLowerInvariant(), s.Seen.ToString("N0", Invariant), s.Passed.ToString("N0", Invariant), s.Seen == 0 ? "-" : s.Removed.ToString("P1", Invariant));
        console.Styled().Write(table);
        console.Out.WriteLine(string.Create(Invariant, $"mtcnn: recall {result.Recall:F3} ({result.Found} of {result.Faces}), precision {result.Precision:F3} at IoU 0.5, landmarks off by {result.LandmarkError:P1} of the width, held out; {seconds:F1} s"));
    }

    private void WriteJson(MtcnnEvaluation result, double seconds) => console.Out.WriteLine(JsonLine.Of(json =>
    {
        json.WriteString("system", "mtcnn");
        json.WriteNumber("seconds", Math.Round(seconds, 3));
        json.WriteNumber("faces", result.Faces);
        foreach (var (name, value) in new[] { ("recall", result.Recall), ("precision", result.Precision), ("landmark_error", result.LandmarkError) })
        {
            if (double.IsNaN(value)) json.WriteNull(name);
            else json.WriteNumber(name, Math.Round(value, 6));
        }
        json.WriteStartArray("stages");
        foreach (var s in result.Stages)
        {
            json.WriteStartObject();
            json.WriteString("network", s.Stage.ToString().ToLowerInvariant());
            json.WriteNumber("seen", s.Seen);
            json.WriteNumber("passed", s.Passed);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }));
}
