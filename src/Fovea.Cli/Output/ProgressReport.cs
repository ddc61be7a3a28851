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
    private int _width; // of the bar's last text

    private ProgressReport(CliConsole console, long total, string unit, long least, bool alwaysShows)
    {
        _console = console;
        _total = total;
        _unit = unit;
        if (total < least || (console.OutIsTerminal && !alwaysShows)) return;
        // A bar is drawn a thousand times at most.
        _step = console.ErrorIsTerminal ? (total + 999) / 1000 : (total + 9) / 10;
        if (console.ErrorIsTerminal) _bar = console.StyledError();
    }

    /// <summary>Begins; work of less than <paramref name="least"/> has nothing to report. Work whose results come all at its end
    /// <paramref name="alwaysShows"/> how far it is.</summary>
    internal static ProgressReport Start(CliConsole console, long total, string unit, long least, bool alwaysShows = false) =>
        new(console, total, unit, least, alwaysShows);

    /// <summary>So many units are done in all; <paramref name="detail"/> stands behind their number.</summary>
    internal void AdvanceTo(long done, string detail = "")
    {
        var before = _done;
        _done = done;
        if (_step == 0 || done / _step == before / _step) return;
        if (_bar is null) _console.Error.WriteLine($"fovea: {_done} of {_total} {_unit}{detail}");
        else Draw(_bar, detail);
    }

    public void Dispose()
    {
        if (_bar is not null && _done > 0) _bar.WriteLine();
    }

    // Spectre's own Progress takes over the thread and the cursor; one line that rewrites itself is all that is needed.
    private void Draw(IAnsiConsole bar, string detail)
    {
        const int cells = 40;
        var filled = (int)(cells * _done / _total);
        bar.Write(new ControlCode("\r"));
        var text = $"[{new string('#', filled)}{new string('.', cells - filled)}] {_done}/{_total} {_unit}{detail}";
        text = text[..Math.Min(text.Length, Math.Max(1, bar.Profile.Width - 1))]; // a second line would stay
        bar.Write(new Text(text.PadRight(_width))); // over what the last text left
        _width = text.Length;
    }
}
