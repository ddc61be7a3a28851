using Spectre.Console;

namespace Fovea.Cli.Output;

/// <summary>
/// Progress of many images, on standard error: a bar where a person watches a terminal and the results go elsewhere, a line
/// per tenth of the images where nothing is a terminal, and nothing where the results themselves scroll by.
/// </summary>
internal sealed class ProgressReport : IDisposable
{
    private const int ManyImages = 10;

    private readonly CliConsole _console;
    private readonly int _total;
    private readonly int _step;
    private readonly IAnsiConsole? _bar;
    private int _done;

    private ProgressReport(CliConsole console, int total)
    {
        _console = console;
        _total = total;
        if (total < ManyImages || console.OutIsTerminal) return;
        _step = console.ErrorIsTerminal ? 1 : (total + 9) / 10;
        if (console.ErrorIsTerminal) _bar = console.StyledError();
    }

    internal static ProgressReport Start(CliConsole console, int total) => new(console, total);

    internal void Advance()
    {
        _done++;
        if (_step == 0 || _done % _step != 0) return;
        if (_bar is null) _console.Error.WriteLine($"fovea: {_done} of {_total} images");
        else Draw(_bar);
    }

    public void Dispose()
    {
        if (_bar is not null && _done > 0) _bar.WriteLine();
    }

    // Spectre's own Progress takes over the thread and the cursor; one line that rewrites itself is all that is needed.
    private void Draw(IAnsiConsole bar)
    {
        const int cells = 40;
        var filled = (int)((long)cells * _done / _total);
        bar.Write(new ControlCode("\r"));
        bar.Write(new Text($"[{new string('#', filled)}{new string('.', cells - filled)}] {_done}/{_total}"));
    }
}
