using Fovea.Bench.Families;

namespace Fovea.Bench.Output;

/// <summary>The measured rows of one family and what is to be said about them.</summary>
public sealed class BenchSection(Family family, IReadOnlyList<BenchRow> rows, IReadOnlyList<string> notes)
{
    public string Title => $"{family.Name}: {family.Description}";

    public IReadOnlyList<BenchRow> Rows => rows;

    /// <summary>Sentences below the table: tails of distributions, steps of curves, notes.</summary>
    public IEnumerable<string> Lines =>
    [
        .. Workloads.Select(w => BenchTable.Tail(w[0])).OfType<string>(),
        .. rows.Select(BenchTable.AgainstOneThread).OfType<string>(),
        .. family.IsSweep ? CostCurve.Describe(rows) : [],
        .. notes.Select(note => "Note: " + note),
    ];

    private IEnumerable<IReadOnlyList<BenchRow>> Workloads => rows.GroupBy(row => row.Workload).Select(group => group.ToArray());

    /// <summary>A line of cells per workload.</summary>
    public IReadOnlyList<string[]> Table(bool peers) => [.. Workloads.Select(w => BenchTable.Cells(w, peers))];
}
