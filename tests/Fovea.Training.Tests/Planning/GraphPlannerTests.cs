using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class GraphPlannerTests
{
    // Unit steps l with backward nodes of no bytes, each of which reads the input of its step: revolve's problem as a graph.
    private static GraphNode[] UnitSteps(int steps)
    {
        var nodes = new List<GraphNode> { new(0, 1) };
        for (int l = 1; l < steps; l++) nodes.Add(new GraphNode(1, 1, l - 1));
        for (int l = steps - 1; l >= 0; l--) nodes.Add(l == steps - 1 ? new GraphNode(0, 0, l) : new GraphNode(0, 0, l, nodes.Count - 1));
        return [.. nodes];
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void ExactLiesBetweenBinomialOptima(int steps)
    {
        // Nodes advance a step beside its input: with s + 2 live results a graph can do all that revolve does with s slots, and
        // it never does more than revolve with as many slots as results.
        var graph = UnitSteps(steps);
        for (int slots = 1; slots <= steps - 2; slots++)
        {
            double ms = GraphPlanner.Exact(graph, slots + 2).Ms;
            Assert.InRange(ms, BinomialPlanner.Advances(steps, slots + 2), BinomialPlanner.Advances(steps, slots));
        }
        Assert.Equal(steps - 1, GraphPlanner.Exact(graph, steps).Ms);
    }

    [Fact]
    public void CheaperOfTwoBranchesIsMadeAgain()
    {
        // 1 and 2 read 0; 3 needs room for 4 bytes beside what it reads; 4 reads both branches. Budget for one branch while 3
        // runs.
        GraphNode[] graph = [new(1, 1), new(5, 4, 0), new(2, 4, 0), new(1, 1, 0), new(1, 1, 1, 2, 3)];
        Assert.Equal(10, GraphPlanner.Exact(graph, 11).Ms);
        GraphNode[] wide = [new(1, 1), new(5, 4, 0), new(2, 4, 0), new(1, 4, 0), new(1, 1, 3), new(1, 1, 1, 2, 4)];
        var exact = GraphPlanner.Exact(wide, 11);
        Assert.Equal(11 + 2, exact.Ms);
        Assert.Equal(2, exact.Ops.Count(op => op == new GraphOp(2, IsFree: false)));
        Assert.Equal(exact.Ms, GraphPlanner.Greedy(wide, 11).Ms);
    }

    [Fact]
    public void GreedyIsNeverBelowExactAndOftenEqual()
    {
        var random = new Random(7);
        int planned = 0, equal = 0;
        for (int trial = 0; trial < 40; trial++)
        {
            var graph = RandomGraph(random, 9);
            long plain = PlainPeak(graph);
            double before = double.PositiveInfinity;
            for (long budget = plain / 2; budget <= plain; budget += 1 + plain / 8)
            {
                if (TryPlan(() => GraphPlanner.Exact(graph, budget)) is not { } exact) continue;
                Assert.InRange(exact.PeakBytes, 0, budget);
                Assert.True(exact.Ms <= before);
                before = exact.Ms;
                if (TryPlan(() => GraphPlanner.Greedy(graph, budget)) is not { } greedy) continue;
                Assert.InRange(greedy.PeakBytes, 0, budget);
                Assert.InRange(exact.Ms, graph.Sum(n => n.Ms), greedy.Ms);
                planned++;
                if (greedy.Ms == exact.Ms) equal++;
            }
            Assert.Equal(graph.Sum(n => n.Ms), GraphPlanner.Exact(graph, plain).Ms);
        }
        Assert.True(planned > 30 && equal > planned / 2, $"{equal} of {planned} greedy schedules are optimal");
    }

    [Fact]
    public void LargeGraphsKeepTheBudget()
    {
        var graph = UnitSteps(200);
        var schedule = GraphPlanner.Greedy(graph, 30);
        Assert.InRange(schedule.PeakBytes, 1, 30);
        Assert.InRange(schedule.Ms, BinomialPlanner.Advances(200, 30), 2 * 200);
    }

    [Fact]
    public void BadGraphsAndBudgetsAreRefused()
    {
        Assert.Contains("node 1: its input 1 does not come before it",
            Assert.Throws<ArgumentException>(() => GraphPlanner.Greedy([new(1, 1), new(1, 1, 1)], 9)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => GraphPlanner.Greedy([new(1, 4), new(1, 4, 0)], 7));
        Assert.Throws<ArgumentException>(() => GraphPlanner.Exact([new(1, 4), new(1, 4, 0)], 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => GraphPlanner.Exact(UnitSteps(7), 9));
        Assert.Throws<InvalidScheduleException>(() => new GraphSchedule(UnitSteps(2), [new GraphOp(1, IsFree: false)]));
    }

    private static GraphNode[] RandomGraph(Random random, int nodes) =>
    [
        .. Enumerable.Range(0, nodes).Select(i => new GraphNode(random.Next(1, 9), random.Next(1, 9),
            [.. Enumerable.Range(0, i).Where(j => j == i - 1 || random.Next(4) == 0)])),
    ];

    // Every result lives until its last reader has run.
    private static long PlainPeak(GraphNode[] graph) => Enumerable.Range(0, graph.Length).Max(i =>
        Enumerable.Range(0, i + 1).Where(j => j == i || graph.Skip(i).Any(n => n.Inputs.Contains(j))).Sum(j => graph[j].Bytes));

    private static GraphSchedule? TryPlan(Func<GraphSchedule> plan)
    {
        try
        {
            return plan();
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
