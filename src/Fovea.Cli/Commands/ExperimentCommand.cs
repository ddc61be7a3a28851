using System.CommandLine;
using System.Diagnostics;
using Fovea.Cli.Experiments;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea experiment</c>: claims of the library, tried on this machine.</summary>
internal static class ExperimentCommand
{
    internal static Command Create(CliConsole console)
    {
        var name = new Argument<string?>("NAME") { Description = "Which experiment; --list names them.", Arity = ArgumentArity.ZeroOrOne };
        name.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
                if (ExperimentCatalog.Find(token.Value) is null)
                    result.AddError($"There is no experiment '{token.Value}'. Known: {Names}.");
        });
        var list = new Option<bool>("--list") { Description = "Print all experiments, one line each." };
        var quick = new Option<bool>("--quick") { Description = "Smaller and fewer: about 20 seconds, and less to rely on." };
        var json = new Option<string?>("--json") { HelpName = "FILE", Description = "Write the result to this file as JSON." };
        var plot = new Option<string?>("--plot") { HelpName = "FILE", Description = "Draw the rows into this PNG file." };
        var command = new Command("experiment", "Tries a claim of the library on this machine.\n\n" + ExitCode.Help)
        {
            name, list, quick, json, plot,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(name) is null or { Tokens.Count: 0 } == (result.GetResult(list) is null or { Implicit: true }))
                result.AddError("Give either the NAME of an experiment or --list");
        });
        command.SetAction(parsed => parsed.GetValue(name) is { } wanted
            ? Run(console, ExperimentCatalog.Find(wanted)!, parsed.GetValue(quick), parsed.GetValue(json), parsed.GetValue(plot))
            : List(console));
        return command;
    }

    private static string Names => string.Join(", ", ExperimentCatalog.All.Select(e => e.Name));

    private static int List(CliConsole console)
    {
        int width = ExperimentCatalog.All.Max(e => e.Name.Length);
        foreach (var experiment in ExperimentCatalog.All)
            console.Out.WriteLine($"{experiment.Name.PadRight(width)}  {experiment.Description}");
        return ExitCode.Ok;
    }

    internal static int Run(CliConsole console, IExperiment experiment, bool quick, string? json, string? plot)
    {
        if (OutputFiles.Impossible(json, plot) is { } path)
        {
            console.Fail($"the folder of '{path}' does not exist");
            return ExitCode.BadUsage;
        }
        long start = Stopwatch.GetTimestamp();
        var result = experiment.Run(quick, step =>
        {
            if (console.ErrorIsTerminal) console.Error.WriteLine(step);
        });
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        ExperimentWriter.Print(console, experiment.Name, result);
        try
        {
            if (json is not null) ExperimentWriter.WriteJson(json, experiment.Name, result, seconds);
            if (plot is not null && result.Plot is null) console.Fail($"{experiment.Name} has no plot");
            else if (plot is not null) result.Plot!.Save(plot);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            console.Fail(e.Message);
            return ExitCode.BadUsage;
        }
        return result.Pass ? ExitCode.Ok : ExitCode.ConditionFailed;
    }
}
