using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>The square-root law on many equal layers: 1000 in the memory of 64 outputs, for one extra forward run (Chen et al.,
/// 2016).</summary>
internal static class EqualLayers
{
    internal const int Count = 1000, MostOutputs = 64;

    /// <param name="PeakOutputs">Peak in outputs of a layer, gradients included.</param>
    /// <param name="ExtraForwards">Layers that ran forward again.</param>
    internal readonly record struct Outcome(double PeakOutputs, int ExtraForwards)
    {
        public bool Holds => PeakOutputs <= MostOutputs && ExtraForwards <= Count;
    }

    /// <summary>The schedule in the planner's simulator.</summary>
    internal static Outcome Simulate()
    {
        var chain = Chain.Uniform(Count, new ChainStage(ForwardMs: 1, BackwardMs: 1, OutputBytes: 1, SavedBytes: 1));
        var simulation = ScheduleSimulator.Run(chain, SegmentPlanner.Uniform(chain));
        return new Outcome(simulation.PeakBytes, simulation.ForwardRuns.Sum() - Count);
    }

    /// <summary>The schedule on a tape of GELUs, run; the peak is the pool's.</summary>
    internal static Outcome Run(DeviceStream stream)
    {
        var tape = new Tape();
        using var start = new Parameter("x", DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, 1024).ToArray(), 1024));
        var x = tape.Use(start);
        for (int i = 0; i < Count; i++) x = x.Activate(Activation.Gelu);
        var loss = x.Mean();
        using var plain = tape.Compile(stream, loss);
        var chain = TapeChain.Of(plain, plain.Profile(runs: 1));
        using var program = tape.Compile(stream, loss, chain.Order(SegmentPlanner.Uniform(chain.Chain)));
        long before = stream.Pool.Statistics.InUseBytes;
        stream.Pool.ResetPeak();
        program.Run();
        stream.Synchronize();
        long peak = stream.Pool.Statistics.PeakInUseBytes - before;
        return new Outcome((double)peak / DeviceMemoryPool.BlockBytes(start.Spec.Bytes), program.RecomputedSteps);
    }
}
