using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Commands;

/// <summary>Trains a system on generated scenes and says what it learnt.</summary>
internal sealed class TrainRun(CliConsole console, string name, DetectorTrainingOptions options)
{
    internal string? Folder { get; init; }

    internal bool Resumes { get; init; }

    internal int Images { get; init; }

    internal int HeldOut { get; init; }

    internal int Size { get; init; }

    internal int Threads { get; init; }

    internal bool WritesJson { get; init; }

    internal int Run()
    {
        var scenes = new SceneGenerator(new SceneOptions { Width = Size, Height = Size }, options.Seed, Images + HeldOut);
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = Threads });
        using var system = DetectionSystems.Create(name, new Initializer(stream, options.Seed), Size, scenes.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, system, new SceneGenerator(new SceneOptions { Width = Size, Height = Size }, options.Seed, Images), options);
        var start = Stopwatch.GetTimestamp();
        using (var progress = ProgressReport.Start(console, options.Steps, "steps", least: 1))
        {
            while (trainer.Step < options.Steps)
            {
                var step = trainer.Train();
                if (step.Step % 20 == 0)
                    console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{step.Step} loss {step.Loss:F4} {step.Milliseconds:F0} ms {string.Join(' ', trainer.Parts().Select(p => $"{p.Name} {p.Loss:F3}"))}"));
            }
        }
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using var evaluation = new DetectorEvaluation(stream, system, options.BatchSize);
        Print("trained on", evaluation.Evaluate(scenes, 0, Images));
        Print("held out", evaluation.Evaluate(scenes, Images, HeldOut));
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s, {system.Parameters.Sum(p => p.Spec.ElementCount)} parameters"));
        return ExitCode.Ok;
    }

    private void Print(string what, CocoMetrics m) => console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{what}: AP {m.Ap:F3} AP50 {m.Ap50:F3} AP75 {m.Ap75:F3} small {m.ApSmall:F3} medium {m.ApMedium:F3}"));
}
