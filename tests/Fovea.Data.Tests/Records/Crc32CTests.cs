using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests.Records;

public class Crc32CTests
{
    // RFC 3720 B.4 and the check value of the CRC catalogue.
    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("313233343536373839", 0xE3069283u)]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", 0x8A9136AAu)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0x62A8AB43u)]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0x46DD794Eu)]
    [InlineData("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100", 0x113FDB5Cu)]
    public void PublishedValues(string hex, uint crc) => Assert.Equal(crc, Crc32C.Compute(Convert.FromHexString(hex)));

    [Fact]
    public void MaskedValue()
    {
        Assert.Equal(0xC78AB0E5u, Crc32C.Mask(0xE3069283));
        Assert.Equal(0xE3069283u, Crc32C.Unmask(0xC78AB0E5));
    }

    [Fact]
    public void ArchiveOfVectors()
    {
        using var cases = JsonDocument.Parse(SharedData.Vectors("crc32c.json"));
        foreach (var item in cases.RootElement.EnumerateArray())
        {
            var crc = Crc32C.Compute(Convert.FromHexString(item.GetProperty("hex").GetString()!));
            if (item.TryGetProperty("crc32c", out var plain)) Assert.Equal(plain.GetString(), $"{crc:x8}");
            else Assert.Equal(item.GetProperty("masked_crc32c").GetString(), $"{Crc32C.Mask(crc):x8}");
        }
    }

    // The plain division, one bit at a time, against every path at every length and alignment; 4096 crosses the 3 KiB round.
    [Fact]
    public void EveryPathAgreesWithDivision()
    {
        var bytes = new byte[4096 + 8];
        new Random(1).NextBytes(bytes);
        for (var alignment = 0; alignment < 8; alignment++)
        {
            var state = uint.MaxValue;
            for (var length = 0; length <= 4096; length++)
            {
                var text = bytes.AsSpan(alignment, length);
                Assert.Equal(state, Crc32C.Interleaved(uint.MaxValue, text));
                // The slow ones share no code with the length.
                if (length < 64 || length % 61 == 0)
                {
                    Assert.Equal(state, Crc32C.Serial(uint.MaxValue, text));
                    Assert.Equal(state, Crc32C.Sliced(uint.MaxValue, text));
                }
                state ^= bytes[alignment + length < bytes.Length ? alignment + length : 0];
                for (var bit = 0; bit < 8; bit++) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78 : 0);
            }
        }
    }

    [Fact]
    public void ContinuesWhereItStopped()
    {
        var bytes = new byte[10_000];
        new Random(2).NextBytes(bytes);
        foreach (var cut in (int[])[0, 1, 95, 96, 3072, 9999, 10_000])
            Assert.Equal(Crc32C.Compute(bytes), Crc32C.Append(Crc32C.Compute(bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
    }

    [Fact]
    public void LengthsAreHashedAsTheirBytes()
    {
        foreach (var length in (ulong[])[0, 5, 0xffffffffffffffff, 0x0123456789abcdef])
            Assert.Equal(Crc32C.Compute(BitConverter.GetBytes(length)), Crc32C.Compute(length));
    }
}
