using Fovea.Detection.Systems;

namespace Fovea.Cli.Training;

/// <summary>What the command line says about a training run.</summary>
/// <param name="System">One of <see cref="DetectionSystems.Names"/>.</param>
/// <param name="Options">How it is trained.</param>
/// <param name="Data">What it is trained on.</param>
internal sealed record TrainSettings(string System, DetectorTrainingOptions Options, TrainingData Data)
{
    /// <summary>Where results go; null: they are only printed.</summary>
    internal string? Folder { get; init; }

    /// <summary>Whether the run in <see cref="Folder"/> goes on.</summary>
    internal bool Resumes { get; init; }

    /// <summary>Steps from one judgement by held-out images to the next; null: a tenth of all where there is a folder, else none.</summary>
    internal long? EvaluateEvery { get; init; }

    /// <summary>Steps from one saved state to the next; null: a tenth of all.</summary>
    internal long? SaveEvery { get; init; }

    /// <summary>CPU threads; 0: all cores.</summary>
    internal int Threads { get; init; }

    internal bool WritesJson { get; init; }
}
