using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

/// <summary>Chains with small whole numbers, so that sums of times are exact and one slot can be one byte.</summary>
internal static class RandomChains
{
    public static Chain Next(Random random, int length, bool hasNarrow = false)
    {
        ChainStage Stage(int _)
        {
            int output = random.Next(1, 6);
            int saved = output + random.Next(0, 8);
            var stage = new ChainStage(random.Next(1, 6), random.Next(1, 9), output, saved, random.Next(0, 4), random.Next(0, 4));
            return hasNarrow ? stage.WithNarrow(castBytesPerMs: 4) : stage;
        }
        return new Chain(random.Next(0, 5), Enumerable.Range(1, length).Select(Stage).ToArray());
    }

    public static long PlainPeak(Chain chain) => ScheduleSimulator.Run(chain, SegmentPlanner.KeepAll(chain)).PeakBytes;
}
