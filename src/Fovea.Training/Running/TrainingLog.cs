using System.Globalization;

namespace Fovea.Training;

/// <summary>Writes one line of comma-separated values per step, flushed line by line: what a loss curve is drawn from. Opened again,
/// it goes on behind the last line.</summary>
public sealed class TrainingLog : IDisposable
{
    private const string Header = "step,loss,learning_rate,gradient_norm,milliseconds,peak_bytes,reserved_bytes";

    private readonly StreamWriter _writer;

    /// <summary>Opens or creates <paramref name="path"/>.</summary>
    public TrainingLog(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var isNew = !File.Exists(path) || new FileInfo(path).Length == 0;
        _writer = new StreamWriter(path, append: true) { AutoFlush = true, NewLine = "\n" };
        if (isNew) _writer.WriteLine(Header);
    }

    /// <summary>Adds a step.</summary>
    public void Write(in StepStatistics s) => _writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{s.Step},{s.Loss:R},{s.LearningRate:R},{s.GradientNorm:R},{s.Milliseconds:F3},{s.PeakBytes},{s.ReservedBytes}"));

    /// <summary>Reads a log again.</summary>
    /// <exception cref="FormatException">A line is not one that <see cref="Write"/> makes; the message names it.</exception>
    public static IEnumerable<StepStatistics> Read(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (number == 1 && line == Header) continue;
            yield return Parse(line) ?? throw new FormatException($"{path}, line {number}: this is not a step of a training log");
        }
    }

    private static StepStatistics? Parse(string line)
    {
        var fields = line.Split(',');
        var culture = CultureInfo.InvariantCulture;
        return fields.Length == 7
            && long.TryParse(fields[0], culture, out var step)
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
