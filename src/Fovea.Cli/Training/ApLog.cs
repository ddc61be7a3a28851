using System.Globalization;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Training;

/// <summary>What a detector was worth on held-out images after some of its steps: one line of comma-separated values each.</summary>
internal static class ApLog
{
    private const string Header = "step,AP,AP50,AP75,APsmall";

    /// <summary>Adds a line.</summary>
    internal static void Add(string path, long step, CocoMetrics m)
    {
        var isNew = !File.Exists(path);
        using var writer = new StreamWriter(path, append: true) { NewLine = "\n" };
        if (isNew) writer.WriteLine(Header);
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{step},{m.Ap:R},{m.Ap50:R},{m.Ap75:R},{m.ApSmall:R}"));
    }

    /// <summary>The values by step: AP, AP50, AP75, AP of small objects; NaN where there are no such objects.</summary>
    /// <exception cref="FormatException">A line is not one that <see cref="Add"/> makes; the message names it.</exception>
    internal static IEnumerable<(long Step, double[] Values)> Read(string path)
    {
        var number = 0;
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            number++;
            if (number == 1 && line == Header) continue;
            var fields = line.Split(',');
            var values = new double[4];
            var isGood = fields.Length == 5 & long.TryParse(fields[0], CultureInfo.InvariantCulture, out var step);
            for (var i = 0; isGood && i < 4; i++) isGood = double.TryParse(fields[i + 1], CultureInfo.InvariantCulture, out values[i]);
            yield return isGood ? (step, values) : throw new FormatException($"{path}, line {number}: this is not a line of {Header}");
        }
    }

    /// <summary>Drops the lines behind a step.</summary>
    internal static void Truncate(string path, long last)
    {
        if (!File.Exists(path)) return;
        var kept = Read(path).TakeWhile(line => line.Step <= last).Count() + 1; // and the header
        File.WriteAllLines(path, [.. File.ReadLines(path).Take(kept)]);
    }
}
