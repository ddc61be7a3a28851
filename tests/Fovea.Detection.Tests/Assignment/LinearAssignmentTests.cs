using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class LinearAssignmentTests
{
    [Fact]
    public void FindsThePairsOfTheVectors()
    {
        Assert.Equal([-1, 0, 2, 1], LinearAssignment.Solve([.9f, .2f, .7f, .1f, .4f, .8f, .5f, .3f, .2f, .6f, .1f, .9f], 4, 3));
        Assert.Equal([1, 0, 2], LinearAssignment.Solve([4, 1, 3, 2, 0, 5, 3, 2, 2], 3, 3));
    }

    [Fact]
    public void AnEmptySideLeavesTheOtherAlone()
    {
        Assert.Equal([-1, -1], LinearAssignment.Solve([], 2, 0));
        Assert.Empty(LinearAssignment.Solve([], 0, 3));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void RefusesCostsThatAreNoNumbers(float cost) =>
        Assert.Contains("2 rows and 2 columns", Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, cost, 3, 4], 2, 2)).Message, StringComparison.Ordinal);

    [Fact]
    public void ForbiddenPairsAreAvoidedOrRefused()
    {
        var no = float.PositiveInfinity;
        Assert.Equal([1, 0], LinearAssignment.Solve([no, 9, 8, no], 2, 2));
        Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, no, 1, no], 2, 2));
        Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, 2, 3], 2, 2));
    }
}
