using Spectre.Console;

namespace Fovea.Cli.Output;

/// <summary>
/// Progress of long work, on standard error: a bar where a person watches a terminal and the results go elsewhere, a line
/// per tenth of the work where nothing is a terminal, and nothing where the results themselves scroll by.
/// </summary>
internal sealed class ProgressReport : IDisposable
{
    private readonly CliConsole _console;
    private readonly long _total;
    private readonly string _unit;
    private readonly long _step;
    private readonly IAnsiConsole? _bar;
    private long _done;

    private ProgressReport(CliConsole console, long total, string unit, long least)
    {
        _console = console;
        _total = total;
        _unit = unit;
        if (total < least || console.OutIsTerminal) return;
        // A bar is drawn a thousand times at most.
        _step = console.ErrorIsTerminal ? (total + 999) / 1000 : (total + 9) / 10;
        if (console.ErrorIsTerminal) _bar = console.StyledError();
    }

    /// <summary>Begins; work of less than <paramref name="least"/> has nothing to report.</summary>
    internal static ProgressReport Start(CliConsole console, long total, string unit, long least) => new(console, total, unit, least);

    /// <summary>So many units are done in all.</summary>
    internal void AdvanceTo(long done)
    {
        var before = _done;
        _done = done;
        if (_step == 0 || done / _step == before / _step) return;
        if (_bar is null) _console.Error.WriteLine($"fovea: {_done} of {_total} {_unit}");
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
        var filled = (int)(cells * _done / _total);
        bar.Write(new ControlCode("\r"));
        bar.Write(new Text($"[{new string('#', filled)}{new string('.', cells - filled)}] {_done}/{_total} {_unit}"));
    }
}
