namespace Fovea.Training.Tests;

public sealed class TrainingLogTests
{
    [Fact]
    public void PartsOfALossHaveColumns()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Of("log.csv");
        using (var log = new TrainingLog(path, "classes", "boxes"))
        {
            log.Write(Step(1), 0.25f, 3);
            log.Write(Step(2), float.NaN, 1e-7f);
            Assert.Throws<ArgumentException>(() => log.Write(Step(3), 1));
        }
        Assert.EndsWith(",classes,boxes", File.ReadLines(path).First(), StringComparison.Ordinal);
        var lines = TrainingLog.ReadWithParts(path).ToArray();
        Assert.Equal([Step(1), Step(2)], lines.Select(l => l.Step));
        Assert.Equal([("classes", 0.25f), ("boxes", 3)], lines[0].Parts);
        Assert.Equal([("classes", float.NaN), ("boxes", 1e-7f)], lines[1].Parts);
        Assert.Equal([1L, 2L], TrainingLog.Read(path).Select(s => s.Step));
        Assert.Throws<FormatException>(() => new TrainingLog(path, "classes"));
        Assert.Throws<ArgumentException>(() => new TrainingLog(folder.Of("other.csv"), "a,b"));
        File.AppendAllText(path, "3,1,1,1,1,1,1,5\n");
        Assert.Contains("line 4", Assert.Throws<FormatException>(() => TrainingLog.Read(path).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALogIsCutBackToAStep()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Of("log.csv");
        TrainingLog.Truncate(path, 1);
        Assert.False(File.Exists(path));
        using (var log = new TrainingLog(path))
            for (var i = 1; i <= 4; i++) log.Write(Step(i));
        TrainingLog.Truncate(path, 9);
        Assert.Equal([1L, 2, 3, 4], TrainingLog.Read(path).Select(s => s.Step));
        TrainingLog.Truncate(path, 2);
        using (var log = new TrainingLog(path)) log.Write(Step(3));
        Assert.Equal([1L, 2, 3], TrainingLog.Read(path).Select(s => s.Step));
        TrainingLog.Truncate(path, 0);
        Assert.Empty(TrainingLog.Read(path));
    }

    private static StepStatistics Step(long step) => new(step, 0.5f, 0.125f, 1, 2, 3, 4);
}
