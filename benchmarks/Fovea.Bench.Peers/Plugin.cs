using Fovea.Bench.Peers.Ort;
using Fovea.Bench.Peers.Records;

namespace Fovea.Bench.Peers;

/// <summary>What the command line tool finds in this assembly.</summary>
public sealed class Plugin : IPeerPlugin
{
    public IReadOnlyList<IPeer> Open(int threads, Action<string> note)
    {
        List<IPeer> peers = [new OrtPeer(threads), new ProtobufPeer(), new PlainRecordsPeer()];
#if FOVEA_TORCH
        if (Torch.TorchPeer.TryOpen(threads, note) is { } torch) peers.Add(torch);
#endif
        return peers;
    }
}
