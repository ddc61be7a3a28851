using System.CommandLine;
using System.Runtime.InteropServices;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea train</c>: its arguments and their checks; <see cref="TrainRun"/> does the work.</summary>
internal static class TrainCommand
{
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
        var steps = AtLeast1<long>("--steps", "Training steps, of mtcnn for each network [default: the system's own].");
        var batch = NumberOption.Create<int>("--batch", "Images per step, of mtcnn windows [default: the system's own].", n => n is >= 1 and <= 1024, "must lie between 1 and 1024");
        var micro = AtLeast1<int>("--micro-batches", "Runs per step, each over a share of the batch, to save memory [default: 1].");
        var memory = NumberOption.Create<ByteCount>(
            "--memory", "Bytes for activations, such as 64M: what does not fit is computed again [default: no limit].", n => n.Value >= 1, "is no number of bytes");
        var rate = NumberOption.Create<float>("--rate", "Largest learning rate [default: the system's own].", r => r > 0 && float.IsFinite(r), "must be above 0");
        var average = NumberOption.Create<float>("--average", "Decay of the weights' moving averages, such as 0.99; 0: none [default: 0].", d => d is >= 0 and < 1, "must lie between 0 and 1");
        var seed = NumberOption.Create<int>("--seed", "Of weights, scenes and order [default: 1].", n => n >= 0, "must not be negative");
        var images = AtLeast1<int>("--images", "Scenes to learn [default: 64, of mtcnn 300].");
        var heldOut = AtLeast1<int>("--held-out", "Further scenes to judge by [default: 64, of mtcnn 100].");
        var size = NumberOption.Create<int>("--size", "Pixels of a side of the scenes [default: 96, of mtcnn 128].", n => n is >= 32 and <= 1024 && n % 32 == 0, "must be a multiple of 32 from 32 to 1024");
        var evaluateEvery = AtLeast1<long>("--eval-every", "Steps between judgements by held-out scenes [default: a tenth of all with --out, else none].");
        var saveEvery = AtLeast1<long>("--save-every", "Steps between saved states [default: a tenth of all].");
        var threads = NumberOption.Threads("CPU threads, 1 to 256 [default: all cores].");
        var json = new Option<bool>("--json") { Description = "One JSON object instead of a table." };
        var command = new Command("train", "Trains a detector on generated scenes. Ctrl-C saves and stops.\n\n" + ExitCode.Help)
        {
            system, output, resume, steps, batch, micro, memory, rate, average, seed, images, heldOut, size, evaluateEvery, saveEvery, threads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(resume) && result.GetValue(output) is null) result.AddError("--resume needs --out");
            if (result.GetValue(system) == Mtcnn)
            {
                foreach (var other in (Option[])[resume, micro, memory, average, evaluateEvery, saveEvery])
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
                    Images = parsed.GetValue(images) ?? 300,
                    HeldOut = parsed.GetValue(heldOut) ?? 100,
                    Size = parsed.GetValue(size) ?? 128,
                    Threads = parsed.GetValue(threads) ?? 0,
                    WritesJson = parsed.GetValue(json),
                }.Run(stop.Token);
            }
            var options = Options(parsed.CommandResult);
            var pixels = parsed.GetValue(size) ?? 96;
            var data = TrainingData.Scenes(
                new SceneOptions { Width = pixels, Height = pixels }, options.Seed, parsed.GetValue(images) ?? 64, parsed.GetValue(heldOut) ?? 64);
            var settings = new TrainSettings(parsed.GetValue(system)!, options, data)
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
            };
        }
    }

    private static Option<T?> AtLeast1<T>(string name, string description) where T : struct, System.Numerics.INumber<T> =>
        NumberOption.Create<T>(name, description, n => n >= T.One, "must be at least 1");
}
