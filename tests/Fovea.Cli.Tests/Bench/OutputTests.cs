using Fovea.Bench.Families;
using Fovea.Bench.Measure;
using Fovea.Bench.Output;
using Fovea.Bench.Workloads;
using Xunit;

namespace Fovea.Cli.Tests.Bench;

public class OutputTests
{
    [Fact]
    public void ALineShowsTheBestLoneOperatorAndTheBestKernelAlone()
    {
        BenchRow[] rows = [Peer("A", 300), Peer("B", 200), Peer("B kernel", 90, kernelAlone: true), Peer(BenchTable.OwnSingleThread, 50)];
        var cells = BenchTable.Cells(rows, peers: true);
        Assert.Equal(BenchTable.Head(peers: true).Count, cells.Length);
        Assert.Equal(["w", "100.0", "5%", "1.0", "-", "50%", "B", "200.0", "2.00x", "90.0", "0.90x", "1.0E-6", "0", "0/0"], cells);
        Assert.Equal(BenchTable.Head(peers: false).Count, BenchTable.Cells(rows, peers: false).Length);
    }

    [Theory]
    [InlineData(1, 100, 2, 200, 1)]    // proportional
    [InlineData(1, 100, 2, 100, 1)]    // fixed cost: no step
    [InlineData(1, 100, 2, 300, 1.5)]  // dearer per unit
    [InlineData(1, 300, 2, 100, 3)]    // the smaller one takes longer
    [InlineData(1, 100, 1, 50, 0.5)]   // the same work in less time, as with more threads
    public void AStepIsWhatALargerShapeCostsMore(double work1, double time1, double work2, double time2, double step)
    {
        BenchRow At(double work, double time) => Row(time) with { Workload = $"curve: {work}", Gflops = work / time };
        var worst = CostCurve.Worst([At(work1, time1), At(work2, time2)]);
        Assert.Equal(step, worst!.Value.Ratio, 1e-9);
        Assert.Null(CostCurve.Worst([At(work1, time1)]));
    }

    [Fact]
    public void ATailIsASentence()
    {
        var row = Row(100) with { Detail = RowDetail.None with { Tail = Quantiles.Of([100e-6, 150e-6]) } };
        Assert.Equal("w: p50 100 us, p99 150 us, p99.9 150 us (1.50x) of 2 calls, 0 bytes", BenchTable.Tail(row));
        Assert.Null(BenchTable.Tail(Row(100)));
    }

    [Fact]
    public void ErrorsAreRelativeToTheLargestMagnitude()
    {
        var sample = new ReferenceSample([0, 2], [4, -8]);
        Assert.Equal(0.125, sample.MaxRelativeError([5, 100, -8]));
        Assert.True(double.IsNaN(sample.MaxRelativeError([5])));
        Assert.True(double.IsNaN(sample.MaxRelativeError([float.NaN, 0, 0])));
    }

    [Fact]
    public void EveryFamilyHasRowsOfItsName()
    {
        foreach (var family in FamilyCatalog.All)
        {
            var rows = family.Rows().ToArray();
            Assert.NotEmpty(rows);
            Assert.All(rows, row => Assert.Equal(family.Name, row.Family));
            Assert.Equal(rows.Length, rows.Select(row => row.Name).Distinct().Count());
        }

        Assert.Equal(["conv", "nms"], FamilyCatalog.Select(["nms", "conv"]).Select(f => f.Name));
    }

    private static BenchRow Row(double microseconds) => new()
    {
        Family = "f",
        Workload = "w",
        Backend = "cpu",
        Isa = "avx2",
        Threads = 1,
        Microseconds = microseconds,
        Spread = 0.05,
        Gflops = 1,
        PercentOfLimit = 50,
        MaxRelativeError = 1e-6,
    };

    private static BenchRow Peer(string name, double microseconds, bool kernelAlone = false) => Row(100) with
    {
        Peer = name,
        PeerMicroseconds = microseconds,
        Ratio = microseconds / 100,
        Detail = RowDetail.None with { IsKernelAlone = kernelAlone },
    };
}
