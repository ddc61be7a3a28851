using System.CommandLine;
using Fovea.Cli.Drawing;
using Fovea.Training;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea curve</c>: the loss curve of training logs.</summary>
internal static class CurveCommand
{
    internal static Command Create(CliConsole console)
    {
        var logs = new Argument<string[]>("LOG") { Description = "CSV files of training runs, one curve each.", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string>("--out") { HelpName = "FILE", Description = "The PNG file.", Required = true };
        var command = new Command("curve", "Draws the loss over the steps of training runs.\n\n" + ExitCode.Help) { logs, output };
        command.SetAction(parsed => Run(console, parsed.GetValue(logs)!, parsed.GetValue(output)!));
        return command;
    }

    private static int Run(CliConsole console, string[] logs, string output)
    {
        var plot = new LinePlot("loss by step", "step", "loss");
        try
        {
            foreach (var log in logs)
                plot.Add(Path.GetFileNameWithoutExtension(log), TrainingLog.Read(log).Select(s => ((double)s.Step, (double)s.Loss)), hasDots: false);
            plot.Save(output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            console.Fail(e.Message);
            return ExitCode.SomeFileFailed;
        }
        return ExitCode.Ok;
    }
}
