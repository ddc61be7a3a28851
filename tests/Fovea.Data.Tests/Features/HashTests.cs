using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests;

public class HashTests
{
    [Theory]
    [InlineData("", 11160318154034397263)]
    [InlineData("a", 12917804110809363939)]
    [InlineData("abc", 2640714258260161385)]
    [InlineData("abcd", 1897425971756105985)]
    [InlineData("Hello", 15404698994557526151)]
    [InlineData("World", 18308117990299812472)]
    [InlineData("hello world", 6381520714923946011)]
    [InlineData("0123456789abcdef", 6105018409752412263)]
    [InlineData("0123456789abcdefg", 12024047538191061578)]
    public void KnownFingerprints(string text, ulong expected)
    {
        Assert.Equal(expected, FarmHash.Fingerprint64(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(expected, (ulong)SlowHash.Fingerprint(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void EveryLengthAgreesWithTheSlowHashAndWithTheBatch()
    {
        var random = new Random(1);
        var bytes = new List<byte>();
        var offsets = new List<long> { 0 };
        var expected = new List<ulong>();
        for (var length = 0; length < 1024; length++)
        {
            var text = new byte[length];
            random.NextBytes(text);
            bytes.AddRange(text);
            offsets.Add(bytes.Count);
            expected.Add((ulong)SlowHash.Fingerprint(text));
            Assert.Equal(expected[^1], FarmHash.Fingerprint64(text));
        }
        var ids = new long[expected.Count];
        Kernels.HashBuckets([.. bytes], [.. offsets], 0, ids);
        Assert.Equal(expected, ids.Select(id => (ulong)id));
        // Remainders are unsigned: half of the fingerprints are negative as signed numbers.
        Assert.InRange(expected.Count(e => e >> 63 == 1), 400, 600);
        Kernels.HashBuckets([.. bytes], [.. offsets], 1000, ids);
        Assert.Equal(expected.Select(e => (long)(e % 1000)), ids);
    }

    [Fact]
    public void ConcatenationIsOrdered()
    {
        Assert.Equal(0xc89a2574412ac8e4, FarmHash.Concatenate(1, 2));
        Assert.Equal(0xe974d3af90f91b83, FarmHash.Concatenate(2, 1));
        Assert.Equal(0xc89a2574412ac8e4, (ulong)SlowHash.Concatenate(1, 2));
    }

    [Fact]
    public void IntegersHashAsDecimalText()
    {
        long[] values = [0, 42, -1, 10, 99999999, 100000000, long.MaxValue, long.MinValue];
        var ids = new long[values.Length];
        Kernels.HashBuckets(values, 0, ids);
        for (var i = 0; i < values.Length; i++)
        {
            var text = Encoding.UTF8.GetBytes(values[i].ToString(CultureInfo.InvariantCulture));
            Assert.Equal(FarmHash.Fingerprint64(text), (ulong)ids[i]);
            Assert.Equal(FeatureHash.Bucket(text, 977), FeatureHash.Bucket(values[i], 977));
        }
        Assert.Equal(623910487284905736ul, (ulong)ids[1]);
        Assert.Equal(7333874265151076430ul, (ulong)ids[2]);
    }

    // The key 00 01 .. 0f and messages 00 01 .. of the SipHash paper's appendix.
    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void SipHashOfThePaper(int length, ulong expected)
    {
        var message = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        Assert.Equal(expected, SipHash.Hash(message, 0x0706050403020100, 0x0f0e0d0c0b0a0908));
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => Kernels.HashBuckets(new byte[3], new long[] { 0, 3 }, 5, new long[2]));
        Assert.Throws<ArgumentException>(() => Kernels.HashBuckets(new long[3], 5, new long[2]));
        Assert.Contains("descend", Assert.Throws<DeviceException>(() => Kernels.HashBuckets(new byte[3], new long[] { 0, 3, 2 }, 5, new long[2])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => FeatureHash.Bucket("a"u8, 0));
        Assert.Throws<ArgumentException>(() => Kernels.CrossHashed([new CrossColumn(new long[2], new long[] { 0, 1 })], 0, 5, [0, 1], new long[1]));
        Assert.Throws<ArgumentException>(() => Kernels.CrossHashed([new CrossColumn(new long[1], new long[] { 0, 1 })], 0, 5, [0, 2], new long[1]));
    }

    [Fact]
    public void PublishedFingerprints()
    {
        var vectors = JsonDocument.Parse(SharedData.Vectors("fingerprint64.json")).RootElement;
        Assert.True(vectors.GetArrayLength() >= 100);
        foreach (var vector in vectors.EnumerateArray())
        {
            var text = vector.TryGetProperty("hex", out var hex) ? Convert.FromHexString(hex.GetString()!) : Encoding.UTF8.GetBytes(vector.GetProperty("utf8").GetString()!);
            var expected = ulong.Parse(vector.GetProperty("fingerprint64").GetString()!, CultureInfo.InvariantCulture);
            var id = new long[1];
            Kernels.HashBuckets(text, [0, text.Length], 0, id);
            Assert.Equal((expected, expected), (FarmHash.Fingerprint64(text), (ulong)id[0]));
        }
    }

    [Fact]
    public void PublishedKerasHashes()
    {
        foreach (var vector in JsonDocument.Parse(SharedData.Vectors("keras_hashing.json")).RootElement.EnumerateArray())
        {
            var bins = vector.GetProperty("bins").GetInt64();
            var salt = vector.GetProperty("salt");
            ulong[] key = salt.ValueKind switch
            {
                JsonValueKind.Null => [],
                JsonValueKind.Number => [salt.GetUInt64(), salt.GetUInt64()],
                _ => [.. salt.EnumerateArray().Select(s => s.GetUInt64())],
            };
            var ids = vector.GetProperty("values").EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Number
                ? key is [] ? FeatureHash.Bucket(value.GetInt64(), bins) : FeatureHash.StrongBucket(value.GetInt64(), key[0], key[1], bins)
                : Encoding.UTF8.GetBytes(value.GetString()!) is var text && key is [] ? FeatureHash.Bucket(text, bins)
                : FeatureHash.StrongBucket(text, key[0], key[1], bins)).ToArray();
            var expected = vector.GetProperty("expected").EnumerateArray().Select(e => e.GetInt64());
            var counts = vector.TryGetProperty("output_mode", out _);
            Assert.Equal(expected, counts ? Enumerable.Range(0, (int)bins).Select(bin => (long)ids.Count(id => id == bin)) : ids);
        }
    }
}
