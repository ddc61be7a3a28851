using System.CommandLine;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea train</c>: its arguments and their checks; <see cref="TrainRun"/> does the work.</summary>
internal static class TrainCommand
{
    internal static Command Create(CliConsole console)
    {
        var system = new Argument<string>("SYSTEM") { Description = $"Which detector: {string.Join(", ", DetectionSystems.Names)}." };
        system.AcceptOnlyFromAmong([.. DetectionSystems.Names]);
        var output = new Option<string?>("--out") { HelpName = "FOLDER", Description = "Folder of the results: state, log, curves. Created where it is missing." };
        var resume = new Option<bool>("--resume") { Description = "Go on where the run in --out stopped." };
        var steps = NumberOption.Create<int>("--steps", "Training steps [default: the system's own].", n => n >= 1, "must be at least 1");
        var batch = NumberOption.Create<int>("--batch", "Images per step [default: the system's own].", n => n is >= 1 and <= 1024, "must lie between 1 and 1024");
        var rate = NumberOption.Create<float>("--rate", "Largest learning rate [default: the system's own].", r => r > 0, "must be above 0");
        var seed = NumberOption.Create<int>("--seed", "Of weights, scenes and order [default: 1].", n => n >= 0, "must not be negative");
        var images = NumberOption.Create<int>("--images", "Scenes to learn [default: 64].", n => n >= 1, "must be at least 1");
        var heldOut = NumberOption.Create<int>("--held-out", "Further scenes to judge by [default: 64].", n => n >= 1, "must be at least 1");
        var size = NumberOption.Create<int>("--size", "Pixels of a side of the scenes [default: 96].", n => n is >= 32 and <= 1024 && n % 32 == 0, "must be a multiple of 32 from 32 to 1024");
        var threads = NumberOption.Threads("CPU threads, 1 to 256 [default: all cores].");
        var json = new Option<bool>("--json") { Description = "One JSON object instead of a table." };
        var command = new Command("train", "Trains a detector on generated scenes.\n\n" + ExitCode.Help)
        {
            system, output, resume, steps, batch, rate, seed, images, heldOut, size, threads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(resume) && result.GetValue(output) is null) result.AddError("--resume needs --out");
        });
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(system)!;
            var options = DetectionSystems.Options(name);
            options = options with
            {
                Steps = parsed.GetValue(steps) ?? options.Steps,
                BatchSize = parsed.GetValue(batch) ?? options.BatchSize,
                LearningRate = parsed.GetValue(rate) ?? options.LearningRate,
                Seed = parsed.GetValue(seed) ?? 1,
            };
            return new TrainRun(console, name, options)
            {
                Folder = parsed.GetValue(output),
                Resumes = parsed.GetValue(resume),
                Images = parsed.GetValue(images) ?? 64,
                HeldOut = parsed.GetValue(heldOut) ?? 64,
                Size = parsed.GetValue(size) ?? 96,
                Threads = parsed.GetValue(threads) ?? 0,
                WritesJson = parsed.GetValue(json),
            }.Run();
        });
        return command;
    }
}
