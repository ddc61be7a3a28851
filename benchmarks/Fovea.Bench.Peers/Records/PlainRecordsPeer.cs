using System.Numerics;
using System.Runtime.Intrinsics.X86;
using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Records;

/// <summary>What one would write first: a BinaryReader, an array per record and a table of 256 entries. For the checksum also
/// the instruction alone, on registers: what no loop over memory can exceed.</summary>
internal sealed class PlainRecordsPeer : IPeer
{
    private static readonly uint[] Table = MakeTable();

    public string Name => "plain C#";

    public IEnumerable<Contestant> Create(Workload workload, int threads) => workload switch
    {
        ChecksumWorkload checksum when Sse42.X64.IsSupported => [Instruction(checksum)],
        FramedReadWorkload read => [Read(read)],
        _ => [],
    };

    private static Contestant Instruction(ChecksumWorkload workload)
    {
        ulong sink = 0;
        long words = (long)workload.Bytes * workload.Repeats / 8;
        return ManagedContestant.Create("crc32 instruction alone", () => sink = InstructionChains(words, sink));
    }

    // Six chains of a latency of three cycles, two instructions each: enough for one a cycle.
    private static ulong InstructionChains(long words, ulong x)
    {
        ulong a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
        for (long i = 0; i < words; i += 6)
        {
            a = Sse42.X64.Crc32(a, x);
            b = Sse42.X64.Crc32(b, x);
            c = Sse42.X64.Crc32(c, x);
            d = Sse42.X64.Crc32(d, x);
            e = Sse42.X64.Crc32(e, x);
            f = Sse42.X64.Crc32(f, x);
        }

        return a ^ b ^ c ^ d ^ e ^ f;
    }

    private static Contestant Read(FramedReadWorkload workload)
    {
        long total = 0;
        return ManagedContestant.Create("plain C#", () =>
        {
            total = 0;
            using var reader = new BinaryReader(new MemoryStream(workload.File));
            while (reader.BaseStream.Position < reader.BaseStream.Length)
            {
                byte[] length = reader.ReadBytes(8);
                Check(length, reader.ReadUInt32());
                byte[] data = reader.ReadBytes((int)BitConverter.ToUInt64(length));
                Check(data, reader.ReadUInt32());
                total += data.Length;
            }
        }, () => [total]);
    }

    private static void Check(byte[] data, uint expected)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        if (BitOperations.RotateRight(~crc, 15) + 0xa282ead8 != expected) throw new InvalidDataException("a checksum does not match");
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint state = i;
            for (int bit = 0; bit < 8; bit++) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78 : 0);
            table[i] = state;
        }

        return table;
    }
}
