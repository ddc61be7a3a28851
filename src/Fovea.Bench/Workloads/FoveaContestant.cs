using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Makes Fovea's side of a row: the calls captured once and replayed, as a network runs them.</summary>
public static class FoveaContestant
{
    public const string Name = "Fovea";

    /// <param name="stream">Where it runs.</param>
    /// <param name="output">What is compared, float32.</param>
    /// <param name="enqueue">The calls of one unit of work.</param>
    /// <param name="owned">Tensors to dispose with the contestant.</param>
    public static Contestant Capture(DeviceStream stream, DeviceTensor output, Action enqueue, params IReadOnlyList<IDisposable> owned)
    {
        CapturedGraph graph;
        using (var capture = stream.BeginCapture())
        {
            enqueue();
            graph = capture.End();
        }

        return new Contestant(Name, () => graph.Replay(stream)) { Read = () => output.ToArray<float>(stream), Owned = [.. owned, output, graph] };
    }
}
