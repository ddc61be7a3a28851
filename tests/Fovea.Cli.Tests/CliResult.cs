using Fovea.Cli.Detectors;
using Fovea.Data;

namespace Fovea.Cli.Tests;

/// <summary>What one in-process run of the command line left behind.</summary>
internal sealed record CliResult(int ExitCode, string Out, string Error)
{
    internal string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs with nothing being a terminal; by default with a detector that finds one face everywhere.</summary>
    internal static CliResult Of(string[] args, Func<DetectorOptions, IDetector>? createDetector = null, ModelStore? store = null)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var console = new CliConsole(output, error, OutIsTerminal: false, ErrorIsTerminal: false);
        var code = CommandLineApp.Run(args, console, createDetector ?? (o => new FakeDetector(o)), store);
        return new CliResult(code, output.ToString(), error.ToString());
    }
}
