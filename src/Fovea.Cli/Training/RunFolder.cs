using Fovea.Cli.Drawing;
using Fovea.Detection.Evaluation;
using Fovea.Training;

namespace Fovea.Cli.Training;

/// <summary>The folder of a training run: state.safetensors to resume from, model.safetensors to detect with, log.csv and ap.csv with their
/// pictures losses.png and ap.png.</summary>
internal sealed class RunFolder : IDisposable
{
    private readonly string _path;
    private TrainingLog? _log;

    private RunFolder(string path) => _path = path;

    internal string State => Of("state.safetensors");

    internal string Model => Of("model.safetensors");

    private string LogFile => Of("log.csv");

    private string ApFile => Of("ap.csv");

    /// <summary>Makes the folder, or finds a run to resume.</summary>
    /// <exception cref="IOException">There is a run where none should be, or none where one should.</exception>
    internal static RunFolder Open(string path, bool resumes)
    {
        var folder = new RunFolder(path);
        if (resumes && !File.Exists(folder.State)) throw new IOException($"'{path}' holds no run to resume");
        if (!resumes && (File.Exists(folder.State) || File.Exists(folder.LogFile)))
            throw new IOException($"'{path}' holds a run already: --resume goes on with it");
        Directory.CreateDirectory(path);
        return folder;
    }

    /// <summary>Opens the logs behind a step; later lines, of steps that were made but not saved, are dropped.</summary>
    /// <exception cref="FormatException">The logs are not of such a run.</exception>
    internal void Begin(long step, IEnumerable<string> parts)
    {
        TrainingLog.Truncate(LogFile, step);
        ApLog.Truncate(ApFile, step);
        _log = new TrainingLog(LogFile, [.. parts]);
    }

    internal void Add(in StepStatistics step, ReadOnlySpan<float> parts) => _log!.Write(step, parts);

    internal void Add(long step, CocoMetrics metrics) => ApLog.Add(ApFile, step, metrics);

    /// <summary>Draws the logs.</summary>
    internal void Draw()
    {
        var steps = TrainingLog.ReadWithParts(LogFile).ToArray();
        if (steps.Length == 0) return;
        var losses = new LinePlot("loss by step", "step", "loss");
        losses.Add("loss", steps.Select(s => ((double)s.Step.Step, (double)s.Step.Loss)), hasDots: false);
        for (var i = 0; steps[0].Parts.Count > 1 && i < steps[0].Parts.Count; i++)
            losses.Add(steps[0].Parts[i].Name, steps.Select(s => ((double)s.Step.Step, (double)s.Parts[i].Loss)), hasDots: false);
        losses.Save(Of("losses.png"));

        var values = ApLog.Read(ApFile).ToArray();
        if (values.Length == 0) return;
        string[] names = ["AP", "AP50", "AP75", "AP of small objects"];
        var precision = new LinePlot("average precision on held-out images by step", "step", "AP") { IsFromZero = true };
        for (var i = 0; i < names.Length; i++) precision.Add(names[i], values.Select(v => ((double)v.Step, v.Values[i])));
        precision.Save(Of("ap.png"));
    }

    public void Dispose() => _log?.Dispose();

    private string Of(string name) => Path.Combine(_path, name);
}
