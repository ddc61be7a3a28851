using Fovea.Bench.Measure;
using Fovea.Data;

namespace Fovea.Bench.Workloads;

/// <summary>Reads and verifies the records of a TFRecord file in memory.</summary>
public sealed class FramedReadWorkload(int recordBytes) : Workload("records", $"read records of {recordBytes} bytes")
{
    private const int FileBytes = 1 << 20;

    private byte[]? _file;

    public override double Flops => 0;

    public override double BytesRead => File.Length;

    public override double BytesWritten => 0;

    public byte[] File => _file ??= Make();

    public override Contestant CreateFovea(DeviceStream stream)
    {
        byte[] file = File;
        long total = 0;
        return ManagedContestant.Create(FoveaContestant.Name, () =>
        {
            total = 0;
            foreach (var record in new TfRecordSpanReader(file)) total += record.Length;
        }, () => [total]);
    }

    private byte[] Make()
    {
        using var file = new MemoryStream();
        using (var writer = new TfRecordWriter(file, leaveOpen: true))
        {
            byte[] record = RandomData.Bytes(6, recordBytes);
            for (int i = 0; i < FileBytes / recordBytes; i++) writer.Write(record);
        }

        return file.ToArray();
    }
}
