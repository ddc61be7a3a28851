using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea train</c>: its arguments and their checks; <see cref="TrainRun"/> does the work.</summary>
internal static class TrainCommand
{
    private const int MostPlaces = 100; // for objects of an image: what COCO's numbers look at
    private const string Mtcnn = "mtcnn"; // three networks, one after another: a run of its own

    internal static Command Create(CliConsole console)
    {
        string[] names = [.. DetectionSystems.Names.Append(Mtcnn).Order(StringComparer.Ordinal)];
        var system = new Argument<string>("SYSTEM") { Description = $"Which detector: {string.Join(", ", names)}." };
        system.AcceptOnlyFromAmong(names);
        var output = new Option<string?>("--out")
        {
            HelpName = "FOLDER",
            Description = "Folder of the results, created where it is missing: state and model as .safetensors, logs as .csv, curves as .png.",
        };
        var resume = new Option<bool>("--resume") { Description = "Go on where the run in --out stopped, as if it had not." };
        var steps = NumberOption.AtLeast1<long>("--steps", "Training steps [default: the system's own].");
        var batch = NumberOption.Create<int>("--batch", "Images per step [default: the system's own].", n => n is >= 1 and <= 1024, "must lie between 1 and 1024");
        var micro = NumberOption.AtLeast1<int>("--micro-batches", "Runs per step, each over a share of the batch, to save memory [default: 1].");
        var memory = NumberOption.Create<ByteCount>(
            "--memory", "Bytes for activations, such as 64M: what does not fit is computed again [default: no limit].", n => n.Value >= 1, "is no number of bytes");
        var rate = NumberOption.Create<float>("--rate", "Largest learning rate [default: the system's own].", r => r > 0 && float.IsFinite(r), "must be above 0");
        var average = NumberOption.Create<float>("--average", "Decay of the weights' moving averages, such as 0.99; 0: none [default: 0].", d => d is >= 0 and < 1, "must lie between 0 and 1");
        var seed = NumberOption.Create<int>("--seed", "Of weights, scenes and order [default: 1].", n => n >= 0, "must not be negative");
        var augment = new Option<bool>("--augment") { Description = "Change images at random: mirror, scale, crop, colours." };
        var data = new DataOptions();
        var evaluateEvery = NumberOption.AtLeast1<long>("--eval-every", "Steps between judgements by held-out scenes [default: a tenth of all with --out, else none].");
        var saveEvery = NumberOption.AtLeast1<long>("--save-every", "Steps between saved states [default: a tenth of all].");
        var threads = NumberOption.Threads("CPU threads, 1 to 256 [default: all cores].");
        var json = new Option<bool>("--json") { Description = "One JSON object instead of a table." };
        var command = new Command("train", "Trains a detector on generated scenes or labelled images. Ctrl-C saves and stops.\n\n" + ExitCode.Help)
        {
            system, output, resume, steps, batch, micro, memory, rate, average, seed, augment, evaluateEvery, saveEvery, threads, json,
        };
        data.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(resume) && result.GetValue(output) is null) result.AddError("--resume needs --out");
            if (result.GetValue(system) == Mtcnn)
            {
                foreach (var other in (Option[])[resume, micro, memory, average, augment, evaluateEvery, saveEvery, .. data.Kinds])
                    if (result.GetResult(other) is { Implicit: false }) result.AddError($"{other.Name} is not for {Mtcnn}");
                return;
            }
            if (result.GetValue(micro) is { } runs && Options(result).BatchSize % runs != 0)
                result.AddError($"--micro-batches: {Options(result).BatchSize} images cannot be shared out among {runs} runs");
        });
        command.SetAction(parsed =>
        {
            using var stop = new CancellationTokenSource();
            void Stop(PosixSignalContext signal)
            {
                signal.Cancel = true;
                stop.Cancel();
            }
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
            if (parsed.GetValue(system) == Mtcnn)
            {
                return new MtcnnTrainRun(console, MtcnnOptions(parsed))
                {
                    Folder = parsed.GetValue(output),
                    Images = parsed.GetValue(data.Images) ?? 300,
                    HeldOut = parsed.GetValue(data.HeldOut) ?? 100,
                    Size = parsed.GetValue(data.Size) ?? 128,
                    Threads = parsed.GetValue(threads) ?? 0,
                    WritesJson = parsed.GetValue(json),
                }.Run(stop.Token);
            }
            var options = Options(parsed.CommandResult);
            if (!TryOpen(console, () => data.Open(parsed, options.Seed), out var opened, out var code)) return code;
            options = options with { Places = Math.Clamp(opened.MostObjects, options.Places, Math.Max(options.Places, MostPlaces)) };
            var settings = new TrainSettings(parsed.GetValue(system)!, options, opened)
            {
                Folder = parsed.GetValue(output),
                Resumes = parsed.GetValue(resume),
                EvaluateEvery = parsed.GetValue(evaluateEvery),
                SaveEvery = parsed.GetValue(saveEvery),
                Threads = parsed.GetValue(threads) ?? 0,
                WritesJson = parsed.GetValue(json),
            };
            return new TrainRun(console, settings).Run(stop.Token);
        });
        return command;

        // --steps are those of each network.
        MtcnnTrainingOptions MtcnnOptions(ParseResult result)
        {
            var own = new MtcnnTrainingOptions();
            return own with
            {
                ProposalSteps = result.GetValue(steps) ?? own.ProposalSteps,
                RefinementSteps = result.GetValue(steps) ?? own.RefinementSteps,
                OutputSteps = result.GetValue(steps) ?? own.OutputSteps,
                BatchSize = result.GetValue(batch) ?? own.BatchSize,
                LearningRate = result.GetValue(rate) ?? own.LearningRate,
                Seed = result.GetValue(seed) ?? own.Seed,
            };
        }

        DetectorTrainingOptions Options(System.CommandLine.Parsing.CommandResult result)
        {
            var own = DetectionSystems.Options(result.GetValue(system)!);
            return own with
            {
                Steps = result.GetValue(steps) ?? own.Steps,
                BatchSize = result.GetValue(batch) ?? own.BatchSize,
                MicroBatches = result.GetValue(micro) ?? own.MicroBatches,
                LearningRate = result.GetValue(rate) ?? own.LearningRate,
                AverageDecay = result.GetValue(average) ?? own.AverageDecay,
                ActivationBytes = result.GetValue(memory)?.Value ?? own.ActivationBytes,
                Seed = result.GetValue(seed) ?? own.Seed,
                Augmentation = result.GetValue(augment) ? new SceneAugmentation() : own.Augmentation,
            };
        }
    }

    private static bool TryOpen(CliConsole console, Func<TrainingData> open, [NotNullWhen(true)] out TrainingData? data, out int code)
    {
        (data, code) = (null, ExitCode.Ok);
        try
        {
            data = open();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or FormatException or ArgumentException)
        {
            console.Fail(e.Message);
            code = e is ModelNotInstalledException or InvalidDataException ? ExitCode.ModelUnavailable : ExitCode.BadUsage;
            return false;
        }
    }
}
