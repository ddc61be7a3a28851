using System.Globalization;
using System.Text.Json;
using Fovea.Cli.Output;
using Fovea.Detection.Evaluation;
using Spectre.Console;

namespace Fovea.Cli.Training;

/// <summary>What a run achieved.</summary>
/// <param name="System">Its detector.</param>
/// <param name="Steps">Steps made, those before a resumed run included.</param>
/// <param name="Seconds">Of this run's steps, judging and saving included.</param>
/// <param name="PeakBytes">Most bytes in use during a step: parameters, moments, activations.</param>
/// <param name="Parameters">Numbers that were trained.</param>
/// <param name="MillisecondsPerImage">Median, one image at a time.</param>
/// <param name="Learnt">What it is worth on the images it learnt.</param>
/// <param name="HeldOut">On the others.</param>
internal sealed record TrainReport(
    string System, long Steps, double Seconds, long PeakBytes, long Parameters, double MillisecondsPerImage, CocoMetrics Learnt, CocoMetrics HeldOut)
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    internal void Print(CliConsole console)
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2).AddColumn("images");
        foreach (var (name, _) in Numbers(Learnt)) table.AddColumn(new TableColumn(name).RightAligned());
        foreach (var (images, metrics) in new[] { ("learnt", Learnt), ("held out", HeldOut) })
            table.AddRow([new Text(images), .. Numbers(metrics).Select(n => new Text(double.IsNaN(n.Value) ? "-" : n.Value.ToString("F3", Invariant)))]);
        console.Styled().Write(table);
        console.Out.WriteLine(string.Create(Invariant,
            $"{System}: {Steps} steps in {Seconds:F1} s, {PeakBytes / 1048576.0:F1} MiB; {Parameters:N0} parameters, {MillisecondsPerImage:F2} ms per image"));
    }

    internal void WriteJson(CliConsole console) => console.Out.WriteLine(JsonLine.Of(json =>
    {
        json.WriteString("system", System);
        json.WriteNumber("steps", Steps);
        json.WriteNumber("seconds", Math.Round(Seconds, 3));
        json.WriteNumber("peak_bytes", PeakBytes);
        json.WriteNumber("parameters", Parameters);
        json.WriteNumber("ms_per_image", Math.Round(MillisecondsPerImage, 4));
        Write(json, "learnt", Learnt);
        Write(json, "held_out", HeldOut);
    }));

    private static void Write(Utf8JsonWriter json, string key, CocoMetrics metrics)
    {
        json.WriteStartObject(key);
        foreach (var (name, value) in Numbers(metrics))
        {
            if (double.IsNaN(value)) json.WriteNull(name);
            else json.WriteNumber(name, Math.Round(value, 6));
        }
        json.WriteEndObject();
    }

    private static IEnumerable<(string Name, double Value)> Numbers(CocoMetrics m) =>
        [("AP", m.Ap), ("AP50", m.Ap50), ("AP75", m.Ap75), ("APsmall", m.ApSmall)];
}
