using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

public class AveragePrecisionTests
{
    // Ranking T F T F T of 3 objects: precision 1, 1/2, 2/3, 1/2, 3/5 at recall 1/3, 1/3, 2/3, 2/3, 1.
    [Theory]
    [InlineData(ApInterpolation.EveryPoint, (1 + 2 / 3.0 + 0.6) / 3)]
    [InlineData(ApInterpolation.ElevenPoints, (4 * 1 + 3 * (2 / 3.0) + 4 * 0.6) / 11)]
    [InlineData(ApInterpolation.HundredOnePoints, (34 * 1 + 33 * (2 / 3.0) + 34 * 0.6) / 101)]
    public void RankingByHand(ApInterpolation interpolation, double expected) =>
        Assert.Equal(expected, AveragePrecision.Of([true, false, true, false, true], 3, interpolation), 12);

    [Theory]
    [InlineData(ApInterpolation.EveryPoint)]
    [InlineData(ApInterpolation.ElevenPoints)]
    [InlineData(ApInterpolation.HundredOnePoints)]
    public void PerfectIsOneAndNothingIsZero(ApInterpolation interpolation)
    {
        bool[] perfect = [.. Enumerable.Repeat(true, 17)];
        Assert.Equal(1, AveragePrecision.Of(perfect, 17, interpolation), 15);
        Assert.Equal(0, AveragePrecision.Of(new bool[5], 3, interpolation));
        Assert.Equal(0, AveragePrecision.Of([], 3, interpolation));
    }

    /// <summary>Three of ten found: recall is the double 0.3, while the grid has 3 * 0.1 = 0.30000000000000004, which it does not reach; and
    /// 29 of 100 reach 29 * 0.01 = 0.29 exactly.</summary>
    [Fact]
    public void GridPointsAreMultiplesOfTheStep()
    {
        Assert.Equal(3 / 11.0, AveragePrecision.Of([true, true, true], 10, ApInterpolation.ElevenPoints), 15);
        Assert.Equal(30 / 101.0, AveragePrecision.Of([.. Enumerable.Repeat(true, 29)], 100, ApInterpolation.HundredOnePoints), 15);
    }

    [Theory]
    [InlineData(ApInterpolation.EveryPoint)]
    [InlineData(ApInterpolation.ElevenPoints)]
    [InlineData(ApInterpolation.HundredOnePoints)]
    public void AgreesWithTheDefinition(ApInterpolation interpolation)
    {
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            var hits = new bool[random.Next(1, 60)];
            double share = random.NextDouble();
            for (int i = 0; i < hits.Length; i++) hits[i] = random.NextDouble() < share;
            int objects = Math.Max(1, hits.Count(h => h) + random.Next(5));
            Assert.Equal(Definition(hits, objects, interpolation), AveragePrecision.Of(hits, objects, interpolation), 12);
        }
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragePrecision.Of([true], 0, ApInterpolation.EveryPoint));
        Assert.Throws<ArgumentOutOfRangeException>(() => AveragePrecision.Of([true, true], 1, ApInterpolation.EveryPoint));
    }

    // Precision at a recall is the greatest precision of any point with that recall or more.
    private static double Definition(bool[] hits, int objects, ApInterpolation interpolation)
    {
        double[] recall = new double[hits.Length], precision = new double[hits.Length];
        int found = 0;
        for (int i = 0; i < hits.Length; i++)
        {
            if (hits[i]) found++;
            recall[i] = (double)found / objects;
            precision[i] = found / (i + 1.0);
        }
        double At(double r) => Enumerable.Range(0, hits.Length).Where(i => recall[i] >= r).Select(i => precision[i]).DefaultIfEmpty(0).Max();
        if (interpolation == ApInterpolation.EveryPoint)
            return Enumerable.Range(1, objects).Sum(k => At((double)k / objects)) / objects;
        int intervals = interpolation == ApInterpolation.ElevenPoints ? 10 : 100;
        return Enumerable.Range(0, intervals + 1).Average(k => At(k * (1.0 / intervals)));
    }
}
