using Fovea.Cli.Drawing;

namespace Fovea.Cli.Experiments;

/// <summary>What an experiment found.</summary>
/// <param name="Pass">Whether the condition holds.</param>
/// <param name="Condition">What must hold, as a sentence with its numbers.</param>
/// <param name="Measured">The numbers that were found instead.</param>
/// <param name="Columns">Names of the cells of each row; keys in JSON.</param>
/// <param name="Rows">Cells: string, bool, long, int, double, or null where there is nothing to say.</param>
internal sealed record ExperimentResult(
    bool Pass, string Condition, string Measured, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows)
{
    /// <summary>The rows as a picture, or null where there is none.</summary>
    public LinePlot? Plot { get; init; }
}
