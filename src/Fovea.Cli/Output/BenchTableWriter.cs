using Fovea.Bench.Output;
using Spectre.Console;

namespace Fovea.Cli.Output;

/// <summary>A family of measured rows for people.</summary>
internal sealed class BenchTableWriter(CliConsole console, bool peers)
{
    private readonly IAnsiConsole _styled = console.Styled();
    private readonly TableBorder _border = console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2;

    internal void Write(BenchSection section)
    {
        var head = BenchTable.Head(peers);
        var table = new Table().Border(_border).Title(new TableTitle(section.Title)).AddColumns([.. head.Select(h => new TableColumn(new Text(h)))]);
        for (int i = 1; i < head.Count; i++) table.Columns[i].RightAligned();
        foreach (var cells in section.Table(peers)) table.AddRow(cells.Select(cell => new Text(cell)));
        _styled.Write(table);
        foreach (string line in section.Lines) console.Out.WriteLine(line);
    }
}
