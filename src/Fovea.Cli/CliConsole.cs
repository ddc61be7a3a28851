using Spectre.Console;

namespace Fovea.Cli;

/// <summary>Where a run writes: results to <see cref="Out"/>, errors and progress to <see cref="Error"/>.</summary>
internal sealed record CliConsole(TextWriter Out, TextWriter Error, bool OutIsTerminal, bool ErrorIsTerminal)
{
    internal static CliConsole OfProcess() =>
        new(Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected);

    /// <summary>One line of an error, in the form of Unix tools.</summary>
    internal void Fail(string message) => Error.WriteLine($"fovea: {message}");

    /// <summary>Spectre on standard output; without colours and control sequences unless it is a terminal.</summary>
    internal IAnsiConsole Styled() => Style(Out, OutIsTerminal);

    /// <summary>Spectre on standard error, under the same rule.</summary>
    internal IAnsiConsole StyledError() => Style(Error, ErrorIsTerminal);

    private static IAnsiConsole Style(TextWriter writer, bool terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // Spectre would wrap pipes at 80 columns, cutting long file names in two.
        if (!terminal) console.Profile.Width = 1000;
        return console;
    }
}
