using System.Globalization;

namespace Fovea.Training;

/// <summary>Writes one line of comma-separated values per step, flushed line by line: what a loss curve is drawn from. Opened again,
/// it goes on behind the last line.</summary>
public sealed class TrainingLog : IDisposable
{
    private const string Header = "step,loss,learning_rate,gradient_norm,milliseconds,peak_bytes,reserved_bytes";
    private const int Columns = 7;

    private readonly StreamWriter _writer;
    private readonly int _parts;

    /// <summary>Opens or creates <paramref name="path"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parts">Names of the parts of the loss, which get columns of their own.</param>
    /// <exception cref="FormatException">The file has other columns.</exception>
    public TrainingLog(string path, params ReadOnlySpan<string> parts)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        foreach (var part in parts)
            if (part.AsSpan().ContainsAny(",\n\r")) throw new ArgumentException($"'{part}' cannot name a column", nameof(parts));
        _parts = parts.Length;
        var header = string.Join(',', [Header, .. parts]);
        var isNew = !File.Exists(path) || new FileInfo(path).Length == 0;
        if (!isNew && File.ReadLines(path).First() != header) throw new FormatException($"{path} has other columns than {header}");
        _writer = new StreamWriter(path, append: true) { AutoFlush = true, NewLine = "\n" };
        if (isNew) _writer.WriteLine(header);
    }

    /// <summary>Adds a step.</summary>
    /// <param name="s">The step.</param>
    /// <param name="parts">Parts of its loss, in the order of their names.</param>
    public void Write(in StepStatistics s, params ReadOnlySpan<float> parts)
    {
        if (parts.Length != _parts) throw new ArgumentException($"{parts.Length} parts of a loss for {_parts} columns", nameof(parts));
        var culture = CultureInfo.InvariantCulture;
        _writer.Write(string.Create(culture,
            $"{s.Step},{s.Loss:R},{s.LearningRate:R},{s.GradientNorm:R},{s.Milliseconds:F3},{s.PeakBytes},{s.ReservedBytes}"));
        foreach (var part in parts) _writer.Write(string.Create(culture, $",{part:R}"));
        _writer.WriteLine();
    }

    /// <summary>Reads a log again.</summary>
    /// <exception cref="FormatException">A line is not one that <see cref="Write"/> makes; the message names it.</exception>
    public static IEnumerable<StepStatistics> Read(string path) => ReadWithParts(path).Select(line => line.Step);

    /// <summary>Reads a log again, with the parts of the loss by name.</summary>
    /// <exception cref="FormatException">As <see cref="Read"/>.</exception>
    public static IEnumerable<(StepStatistics Step, IReadOnlyList<(string Name, float Loss)> Parts)> ReadWithParts(string path)
    {
        var number = 0;
        string[] names = [];
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (number == 1 && line.StartsWith(Header, StringComparison.Ordinal))
            {
                names = line.Split(',')[Columns..];
                continue;
            }
            var fields = line.Split(',');
            var step = fields.Length == Columns + names.Length ? Parse(fields) : null;
            var parts = new (string, float)[names.Length];
            for (var i = 0; step is not null && i < names.Length; i++)
            {
                if (float.TryParse(fields[Columns + i], CultureInfo.InvariantCulture, out var loss)) parts[i] = (names[i], loss);
                else step = null;
            }
            yield return (step ?? throw new FormatException($"{path}, line {number}: this is not a step of a training log"), parts);
        }
    }

    /// <summary>Drops the steps behind <paramref name="last"/>, which a run that is resumed there makes again. A log that is not there
    /// stays so.</summary>
    /// <exception cref="FormatException">As <see cref="Read"/>.</exception>
    public static void Truncate(string path, long last)
    {
        if (!File.Exists(path)) return;
        var kept = Read(path).TakeWhile(s => s.Step <= last).Count() + 1; // and the header
        string[] lines = [.. File.ReadLines(path).Take(kept)];
        var beside = $"{path}.tmp";
        File.WriteAllText(beside, string.Concat(lines.Select(l => l + "\n")));
        File.Move(beside, path, overwrite: true);
    }

    private static StepStatistics? Parse(string[] fields)
    {
        var culture = CultureInfo.InvariantCulture;
        return long.TryParse(fields[0], culture, out var step)
            && float.TryParse(fields[1], culture, out var loss)
            && float.TryParse(fields[2], culture, out var rate)
            && float.TryParse(fields[3], culture, out var norm)
            && double.TryParse(fields[4], culture, out var milliseconds)
            && long.TryParse(fields[5], culture, out var peak)
            && long.TryParse(fields[6], culture, out var reserved)
            ? new StepStatistics(step, loss, rate, norm, milliseconds, peak, reserved)
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
