using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Fovea.Cli.Commands;
using Fovea.Cli.Detectors;
using Fovea.Data;

namespace Fovea.Cli;

/// <summary>The <c>fovea</c> command: parsing, and the last resort for exceptions.</summary>
internal static class CommandLineApp
{
    /// <summary>Returns an exit code. Tests pass their own detector and cache.</summary>
    internal static int Run(string[] args, CliConsole console, Func<DetectorOptions, IDetector>? createDetector = null, ModelStore? store = null)
    {
        store ??= new ModelStore();
        createDetector ??= options => DetectorCatalog.Create(options, store);
        // Not RootCommand: that takes its name from the executable file, which is fovea-cli behind the launcher.
        var root = new Command("fovea", "Low-latency detection.\n\n" + ExitCode.Help)
        {
            new HelpOption { Recursive = true },
            new VersionOption(),
            DetectCommand.Create(console, createDetector),
            EvalCommand.Create(console, createDetector),
            EmbedCommand.Create(console, store),
            ModelsCommand.Create(console, store),
            RecordsCommand.Create(console),
            FeaturesCommand.Create(console),
            BenchCommand.Create(console),
            ExperimentCommand.Create(console),
            TrainCommand.Create(console),
            CurveCommand.Create(console),
            SpeechSegmentsCommand.Create(console, store),
            ReadTextCommand.Create(console, store),
            GenerateCommand.Create(console),
            DoctorCommand.Create(console),
        };
        try
        {
            var result = root.Parse(args);
            if (result.Action is ParseErrorAction || (result.Action is null && result.Errors.Count > 0))
            {
                foreach (var error in result.Errors) console.Fail(error.Message);
                console.Error.WriteLine("Try 'fovea --help' or 'fovea COMMAND --help'.");
                return ExitCode.BadUsage;
            }
            return result.Invoke(new InvocationConfiguration
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
            });
        }
#pragma warning disable CA1031 // The outermost frame: any exception becomes an exit code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            console.Fail(NativeFailure.Explain(e) ?? $"internal error: {e}");
            return ExitCode.Internal;
        }
    }
}
