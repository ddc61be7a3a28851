using Fovea.Cli.Experiments.Anchors;
using Fovea.Cli.Experiments.Checkpointing;
using Fovea.Cli.Experiments.DetectorCheckpointing;
using Fovea.Cli.Experiments.DetrSet;
using Fovea.Cli.Experiments.IouLosses;
using Fovea.Cli.Experiments.NmsCrowds;
using Fovea.Cli.Experiments.SmallObjects;
using Fovea.Cli.Experiments.SppLength;
using Fovea.Cli.Experiments.Systems;
using Fovea.Cli.Experiments.YoloCell;

namespace Fovea.Cli.Experiments;

/// <summary>All experiments, in the order of <c>--list</c>.</summary>
internal static class ExperimentCatalog
{
    internal static IReadOnlyList<IExperiment> All { get; } =
    [
        new CheckpointingExperiment(),
        new AnchorsExperiment(),
        new DetectorCheckpointingExperiment(),
        new DetrSetExperiment(),
        new IouLossesExperiment(),
        new NmsCrowdsExperiment(),
        new SmallObjectsExperiment(),
        new SppLengthExperiment(),
        new SystemsExperiment(),
        new YoloCellExperiment(),
    ];

    internal static IExperiment? Find(string name) => All.FirstOrDefault(e => e.Name == name);
}
