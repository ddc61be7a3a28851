using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Commands;

/// <summary>Trains a system, keeps its folder up to date and says what it learnt.</summary>
internal sealed class TrainRun(CliConsole console, TrainSettings settings)
{
    private readonly DetectorTrainingOptions _options = settings.Options;

    /// <summary>Returns an exit code.</summary>
    /// <param name="stop">Ends the run after the step that is being made; its state is saved.</param>
    internal int Run(CancellationToken stop)
    {
        try
        {
            using var folder = settings.Folder is null ? null : RunFolder.Open(settings.Folder, settings.Resumes);
            using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = settings.Threads });
            using var system = DetectionSystems.Create(
                settings.System, new Initializer(stream, _options.Seed), settings.Data.Size, settings.Data.Learnt.ClassNames.Count);
            using var trainer = Create(stream, system);
            return trainer is null ? ExitCode.BadUsage : Run(folder, stream, system, trainer, stop);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            console.Fail(e.Message);
            return ExitCode.BadUsage;
        }
    }

    // Null where the budget does not suffice, which has been said then.
    private DetectorTrainer? Create(DeviceStream stream, DetectionSystem system)
    {
        try
        {
            return new DetectorTrainer(stream, system, settings.Data.Learnt, _options);
        }
        catch (ArgumentException e) when (_options.ActivationBytes is not null)
        {
            console.Fail(e.Message);
            return null;
        }
    }

    private int Run(RunFolder? folder, DeviceStream stream, DetectionSystem system, DetectorTrainer trainer, CancellationToken stop)
    {
        if (settings.Resumes) trainer.Resume(folder!.State);
        folder?.Begin(trainer.Step, trainer.PartNames);
        if (trainer.Forecast is { } plan)
            console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"fovea: {plan.PeakBytes:N0} bytes of activations, {trainer.RecomputedSteps} operations are run again"));

        var tenth = Math.Max(1, _options.Steps / 10);
        var evaluateEvery = settings.EvaluateEvery ?? (folder is null ? long.MaxValue : tenth);
        var saveEvery = settings.SaveEvery ?? tenth;
        var (start, peak, judged) = (Stopwatch.GetTimestamp(), 0L, "");
        using (var progress = ProgressReport.Start(console, _options.Steps, "steps", least: 1, alwaysShows: true))
        {
            while (trainer.Step < _options.Steps && !stop.IsCancellationRequested)
            {
                var step = trainer.Train();
                peak = Math.Max(peak, step.PeakBytes);
                folder?.Add(step, trainer.Parts);
                if (!float.IsFinite(step.Loss))
                {
                    console.Fail($"the loss of step {step.Step} is {step.Loss}: a smaller --rate may help");
                    return ExitCode.ConditionFailed;
                }
                if (step.Step % evaluateEvery == 0)
                {
                    var metrics = Evaluate(stream, system, trainer, settings.Data.HeldOut);
                    folder?.Add(step.Step, metrics);
                    judged = string.Create(CultureInfo.InvariantCulture, $", AP50 {metrics.Ap50:F3}");
                }
                if (step.Step % saveEvery == 0) Save(folder, stream, system, trainer);
                progress.AdvanceTo(step.Step, string.Create(CultureInfo.InvariantCulture, $", loss {step.Loss:G4}, {step.Milliseconds:F0} ms{judged}"));
            }
            Save(folder, stream, system, trainer);
        }
        if (trainer.Step < _options.Steps)
        {
            console.Error.WriteLine($"fovea: stopped after {trainer.Step} of {_options.Steps} steps{(folder is null ? "" : ": --resume goes on")}");
            return ExitCode.Interrupted;
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using var averages = trainer.UseAverages();
        using var single = new DetectorEvaluation(stream, system, batchSize: 1);
        var report = new TrainReport(settings.System, trainer.Step, seconds, peak, system.Parameters.Sum(p => p.Spec.ElementCount),
            single.MedianMilliseconds([settings.Data.HeldOut.Load(0)]),
            Evaluate(stream, system, null, settings.Data.Learnt), Evaluate(stream, system, null, settings.Data.HeldOut));
        if (settings.WritesJson) report.WriteJson(console);
        else report.Print(console);
        return ExitCode.Ok;
    }

    private void Save(RunFolder? folder, DeviceStream stream, DetectionSystem system, DetectorTrainer trainer)
    {
        if (folder is null) return;
        trainer.Save(folder.State);
        using (trainer.UseAverages())
            TrainedDetector.Save(stream, folder.Model, settings.System, system, settings.Data.Learnt.ClassNames);
        folder.Draw();
    }

    // By the averages of the weights where the trainer is given, else by the weights as they are.
    private CocoMetrics Evaluate(DeviceStream stream, DetectionSystem system, DetectorTrainer? trainer, ILabelledImages images)
    {
        using var averages = trainer?.UseAverages();
        using var evaluation = new DetectorEvaluation(stream, system, _options.BatchSize);
        return evaluation.Evaluate(images, 0, (int)images.Count);
    }
}
