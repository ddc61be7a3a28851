using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;
using Fovea.Bench.Workloads.Network;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Bench.Peers.Ort;

/// <summary>ONNX Runtime on the CPU: one small model per workload, weights as initializers, all graph optimisations, inputs and outputs
/// bound once.</summary>
internal sealed class OrtPeer : IPeer
{
    public OrtPeer(int threads)
    {
        // One pool for all sessions: idle workers of one would spin against the next.
        OrtThreads.Configure(Math.Max(2, threads));
        Name = "ORT " + OrtEnv.Instance().GetVersionString();
    }

    public string Name { get; }

    public IEnumerable<Contestant> Create(Workload workload, int threads) => workload switch
    {
        ConvWorkload conv => OrtConv.Create(Name, conv, threads),
        SeparableWorkload separable => OrtConv.Create(Name, separable, threads),
        AttentionWorkload attention => OrtAttention.Create(Name, attention, threads),
        ScanWorkload scan => [OrtScan.Create(Name, scan, threads)],
        RecurrentWorkload recurrent => [OrtRecurrent.Create(Name, recurrent, threads)],
        DecoderWorkload decoder => [OrtDecoder.Create(Name, decoder, threads)],
        MambaWorkload mamba => [OrtMamba.Create(Name, mamba, threads)],
        NmsWorkload nms => [OrtNms.Create(Name, nms, threads)],
        GemmWorkload gemm => OrtRows.Create(Name, gemm, threads),
        RowWorkload rows => [OrtRows.Create(Name, rows, threads)],
        NetworkWorkload network => [OrtNetwork.Create(Name, network, threads)],
        ReplayWorkload replay => [OrtRows.Create(Name, replay, threads)],
        _ => [],
    };
}
