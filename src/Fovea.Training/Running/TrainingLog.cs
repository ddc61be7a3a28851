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

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
