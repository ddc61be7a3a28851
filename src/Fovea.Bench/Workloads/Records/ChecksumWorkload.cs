using Fovea.Bench.Measure;
using Fovea.Data;

namespace Fovea.Bench.Workloads;

/// <summary>CRC-32C of a block of bytes, many times where it is small: a call takes long enough to be timed.</summary>
public sealed class ChecksumWorkload(int bytes) : Workload("records", $"CRC-32C of {bytes} bytes")
{
    private const int LeastBytes = 1 << 20;

    /// <summary>Blocks per call.</summary>
    public int Repeats => Math.Max(1, LeastBytes / bytes);

    public int Bytes => bytes;

    public override double Flops => 0;

    public override double BytesRead => (double)bytes * Repeats;

    public override double BytesWritten => 0;

    public override Contestant CreateFovea(DeviceStream stream)
    {
        byte[] data = RandomData.Bytes(5, bytes);
        uint crc = 0;
        return ManagedContestant.Create(FoveaContestant.Name, () =>
        {
            for (int i = 0; i < Repeats; i++) crc = Crc32C.Append(crc, data);
        });
    }
}
