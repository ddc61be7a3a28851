using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>A chain of additions of 16 floats: what a call costs besides its arithmetic.</summary>
public sealed class ReplayWorkload(int nodes) : Workload("replay", $"{nodes} node{(nodes == 1 ? "" : "s")}")
{
    /// <summary>Floats per node.</summary>
    public const int Length = 16;

    public int Nodes => nodes;

    public override double Flops => 0;

    public override double BytesRead => 0;

    public override double BytesWritten => 0;

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var x = DeviceTensor.From<float>(stream, RandomData.Uniform(1, Length), Length);
        // Ping-pong: every node waits for the one before it, as in a network.
        var a = DeviceTensor.Allocate(stream, DType.Float32, Length);
        var b = DeviceTensor.Allocate(stream, DType.Float32, Length);
        return FoveaContestant.Capture(stream, nodes % 2 == 1 ? a : b, () =>
        {
            for (int i = 0; i < nodes; i++) Kernels.Binary(stream, BinaryOp.Add, i == 0 ? x : i % 2 == 1 ? a : b, x, i % 2 == 0 ? a : b);
        }, x, nodes % 2 == 1 ? b : a);
    }

    public override ReferenceSample Reference()
    {
        float[] x = RandomData.Uniform(1, Length);
        return ReferenceSample.Take(Length, 16, i => (nodes + 1.0) * x[i]);
    }
}
