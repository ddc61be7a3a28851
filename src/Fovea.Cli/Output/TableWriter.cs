using System.Globalization;
using Fovea.Cli.Detectors;
using Fovea.Data;
using Spectre.Console;

namespace Fovea.Cli.Output;

/// <summary>A heading and a table per image, for people.</summary>
internal sealed class TableWriter(CliConsole console) : IDetectionWriter
{
    private readonly IAnsiConsole _styled = console.Styled();
    private readonly TableBorder _border = console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2;

    public void Write(string path, RgbImage image, double milliseconds, IReadOnlyList<DetectedObject> detections)
    {
        var count = detections.Count switch
        {
            0 => "nothing found",
            1 => $"1 {detections[0].Label}",
            var n => detections[0].Class is null ? $"{n} faces" : $"{n} objects",
        };
        // Plain text, not markup: brackets in file names stay what they are.
        _styled.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {image.Width}x{image.Height}, {count}, {milliseconds:F1} ms"));
        if (detections.Count == 0) return;
        var table = new Table().Border(_border).AddColumns("label", "score", "x1", "y1", "x2", "y2", "landmarks");
        for (var i = 1; i < 6; i++) table.Columns[i].RightAligned();
        foreach (var d in detections)
            table.AddRow(new Text(d.Label), Number(d.Score, "F3"), Number(d.X1), Number(d.Y1), Number(d.X2), Number(d.Y2), Points(d));
        _styled.Write(table);
    }

    private static Text Number(float value, string format = "F1") => new(value.ToString(format, CultureInfo.InvariantCulture));

    private static Text Points(DetectedObject detection) => new(string.Join(" ", detection.Landmarks.Select(
        p => string.Create(CultureInfo.InvariantCulture, $"{p.X:F0},{p.Y:F0}"))));
}
