using Fovea.Cli.Experiments.Anchors;
using Fovea.Cli.Experiments.Checkpointing;

namespace Fovea.Cli.Experiments;

/// <summary>All experiments, in the order of <c>--list</c>.</summary>
internal static class ExperimentCatalog
{
    internal static IReadOnlyList<IExperiment> All { get; } = [new AnchorsExperiment(), new CheckpointingExperiment()];

    internal static IExperiment? Find(string name) => All.FirstOrDefault(e => e.Name == name);
}
