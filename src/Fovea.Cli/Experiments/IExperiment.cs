namespace Fovea.Cli.Experiments;

/// <summary>A claim of the library that a run on this machine confirms or refutes.</summary>
internal interface IExperiment
{
    /// <summary>What <c>fovea experiment</c> calls it.</summary>
    string Name { get; }

    /// <summary>What it shows, in one line.</summary>
    string Description { get; }

    /// <summary>Measures and judges.</summary>
    /// <param name="quick">Whether about 20 seconds must do.</param>
    /// <param name="progress">Told, in a few words, what is measured next.</param>
    ExperimentResult Run(bool quick, Action<string> progress);
}
