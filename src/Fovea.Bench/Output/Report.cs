using System.Globalization;
using System.Text;
using Fovea.Bench.Measure;

namespace Fovea.Bench.Output;

/// <summary>Markdown that goes to the console as it grows, unless told not to, and, on request, to <c>benchmarks/results/&lt;machine&gt;/</c>.</summary>
public sealed class Report(bool echo = true)
{
    private readonly StringBuilder _text = new();

    public void Line(string line = "")
    {
        if (echo) Console.WriteLine(line);
        _text.Append(line).Append('\n');
    }

    /// <summary>A list of facts, one per line.</summary>
    public void Facts(IEnumerable<string> facts)
    {
        foreach (string fact in facts) Line("- " + fact);
        Line();
    }

    /// <summary>A table with padded columns: the first is text, the others are numbers.</summary>
    public void Table(IReadOnlyList<string> head, IReadOnlyList<string[]> rows)
    {
        var widths = head.Select((title, i) => Math.Max(title.Length, rows.Max(row => row[i].Length))).ToArray();
        Line(Row(head, widths));
        Line("|" + string.Concat(widths.Select((width, i) => i == 0 ? $" {new string('-', width)} |" : $" {new string('-', width - 1)}: |")));
        foreach (var row in rows) Line(Row(row, widths));
        Line();
    }

    /// <summary>Writes what was printed; returns the path.</summary>
    public string Save(string fileName)
    {
        string path = Path.Combine(Machine.ResultsFolder(), fileName);
        File.WriteAllText(path, ToString());
        return path;
    }

    /// <summary>Everything so far.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>Milliseconds with three digits behind the point; a dash for no value.</summary>
    public static string Milliseconds(double seconds) => double.IsNaN(seconds) ? "-" : (1e3 * seconds).ToString("F3", CultureInfo.InvariantCulture);

    private static string Row(IReadOnlyList<string> cells, int[] widths) =>
        "|" + string.Concat(cells.Select((cell, i) => i == 0 ? $" {cell.PadRight(widths[i])} |" : $" {cell.PadLeft(widths[i])} |"));
}
