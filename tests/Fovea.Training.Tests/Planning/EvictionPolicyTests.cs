using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class EvictionPolicyTests
{
    /// <summary>Forward computes per layer of a unit chain; backward of layer i needs t_i alone, and two slots hold gradients
    /// from there on. Known from an independent simulation.</summary>
    [Theory]
    [InlineData(100, 20, 1.8)]
    [InlineData(400, 40, 1.9)]
    [InlineData(1000, 64, 1.957)]
    [InlineData(4000, 128, 1.998)]
    [InlineData(100, 40, 1.6)]
    [InlineData(400, 80, 1.8)]
    [InlineData(1000, 128, 1.872)]
    [InlineData(4000, 256, 1.936)]
    public void NeighbourhoodKeepsComputesLinear(int layers, int slots, double computes) =>
        Assert.Equal(computes, Math.Round(Computes(layers, slots, EvictionScore.Neighbourhood), 3));

    /// <summary>Without the neighbourhood the same runtime needs about sqrt(n) / 4 computes per layer.</summary>
    [Theory]
    [InlineData(100, 20, 3.2)]
    [InlineData(400, 40, 5.7)]
    [InlineData(1000, 64, 8.5)]
    [InlineData(4000, 128, 16.4)]
    public void LeastRecentlyUsedGrowsWithTheSquareRoot(int layers, int slots, double computes) =>
        Assert.Equal(computes, Math.Round(Computes(layers, slots, EvictionScore.LeastRecentlyUsed), 1));

    [Fact]
    public void PinnedAndUnmadeStoragesAreNotVictims()
    {
        var policy = new EvictionPolicy();
        int a = policy.Add(1, 1), b = policy.Add(1, 1, a), c = policy.Add(1, 1, b);
        Assert.Equal(-1, policy.ChooseVictim());
        policy.Made(a);
        policy.Made(b);
        policy.Tick();
        policy.Pin(a);
        Assert.Equal(b, policy.ChooseVictim());
        policy.Pin(b);
        Assert.Equal(-1, policy.ChooseVictim());
        policy.Unpin(a);
        Assert.Equal(a, policy.ChooseVictim());
        Assert.False(policy.IsLive(c));
        Assert.Throws<InvalidOperationException>(() => policy.Made(a));
    }

    [Fact]
    public void NeighbourhoodIsWhatIsReachedThroughEvicted()
    {
        // a - b - c - d and a - e: with b, c evicted the neighbours of a are b and c; those of d are c and b; e has none.
        var policy = new EvictionPolicy();
        int a = policy.Add(1, 10), b = policy.Add(1, 2, a), c = policy.Add(1, 4, b), d = policy.Add(1, 11, c), e = policy.Add(1, 15.5, a);
        foreach (int id in (int[])[a, b, c, d, e]) policy.Made(id);
        policy.Tick();
        Assert.Equal(b, policy.ChooseVictim());
        policy.Evict(b);
        Assert.Equal(c, policy.ChooseVictim()); // 4 + 2
        policy.Evict(c);
        Assert.Equal(e, policy.ChooseVictim()); // 15.5, against 10 + 6 and 11 + 6
        policy.Retire(c);
        Assert.Equal(a, policy.ChooseVictim()); // 10 + 2: nobody will ask for c, but d would still be made from it
    }

    [Fact]
    public void StalerAndLargerGoFirst()
    {
        var policy = new EvictionPolicy();
        int old = policy.Add(2, 6), large = policy.Add(4, 6), fresh = policy.Add(2, 6);
        policy.Made(old);
        policy.Made(fresh);
        policy.Made(large);
        policy.Tick();
        Assert.Equal(large, policy.ChooseVictim());
        policy.Touch(large);
        policy.Touch(fresh);
        policy.Tick();
        Assert.Equal(old, policy.ChooseVictim());
    }

    private static double Computes(int layers, int slots, EvictionScore score)
    {
        var policy = new EvictionPolicy(score);
        for (int t = 0; t < layers; t++) policy.Add(1, 1, t == 0 ? [] : [t - 1]);
        int live = 0, computes = 0;
        void Make(int layer, int room)
        {
            int first = layer;
            while (first >= 0 && !policy.IsLive(first)) first--;
            for (int t = first + 1; t <= layer; t++)
            {
                policy.Tick();
                if (t > 0) policy.Pin(t - 1);
                for (; live >= room; live--) policy.Evict(policy.ChooseVictim());
                if (t > 0) policy.Unpin(t - 1);
                if (t > 0) policy.Touch(t - 1);
                policy.Made(t);
                computes++;
                live++;
            }
        }
        for (int t = 0; t < layers; t++) Make(t, slots);
        for (int t = layers - 1; t >= 0; t--)
        {
            Make(t, slots - 2);
            policy.Evict(t);
            policy.Retire(t);
            live--;
        }
        return (double)computes / layers;
    }
}
