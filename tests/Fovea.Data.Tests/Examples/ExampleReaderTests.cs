using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests.Examples;

public class ExampleReaderTests
{
    // {"b": bytes ["x"], "f": [1, -2.5], "i": [1, -1]}, names sorted.
    private const string Golden =
        "0a350a0a0a016212050a030a01780a110a0166120c120a0a080000803f000020c00a140a0169120f1a0d0a0b01ffffffffffffffffff01";

    // Context {"id": [7]}, lists {"tok": [[1], [2, 3]]}.
    private const string GoldenSequence = "0a0d0a0b0a02696412051a030a010712180a160a03746f6b120f0a051a030a01010a061a040a020203";

    [Fact]
    public void WritesTheGoldenBytes()
    {
        var writer = new ExampleWriter();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            writer.Clear();
            writer.Add("i", 1L, -1L).Add("b", "x").Add("f", 1f, -2.5f);
            Assert.Equal(Golden, Convert.ToHexStringLower(writer.ToArray()));
        }
        var framed = Convert.ToHexStringLower(Records.TfRecords.Write([writer.ToArray()]));
        Assert.Equal("3700000000000000e7e8ca59" + Golden + "745c25b5", framed);
    }

    [Fact]
    public void WritesTheGoldenSequence()
    {
        var writer = new SequenceExampleWriter();
        writer.Context.Add("id", 7L);
        writer.BeginList("tok").AddStep(1L).AddStep(2L, 3L);
        Assert.Equal(GoldenSequence, Convert.ToHexStringLower(writer.ToArray()));
    }

    [Fact]
    public void ReadsTheGoldenBytes() => Assert.Equal("b=[x] f=[1,-2.5] i=[1,-1]", Text(Convert.FromHexString(Golden)));

    [Fact]
    public void ReadsTheGoldenSequence()
    {
        var bytes = Convert.FromHexString(GoldenSequence);
        Assert.Equal("id=[7]", Text(bytes));
        foreach (var list in new SequenceExampleReader(bytes))
        {
            Assert.Equal("tok", Encoding.UTF8.GetString(list.Name));
            var steps = new List<string>();
            foreach (var step in list) steps.Add(Values(step));
            Assert.Equal(["[1]", "[2,3]"], steps);
        }
    }

    // Feature messages that mean the same list.
    [Theory]
    [InlineData("packed floats", "120a0a080000803f000020c0", "[1,-2.5]")]
    [InlineData("unpacked floats", "120a0d0000803f0d000020c0", "[1,-2.5]")]
    [InlineData("unpacked integers", "1a0d080108ffffffffffffffffff01", "[1,-1]")]
    [InlineData("packed in two pieces", "1a110a01010a0affffffffffffffffff010a00", "[1,-1]")]
    [InlineData("packed and unpacked", "1a0e0a010108ffffffffffffffffff01", "[1,-1]")]
    [InlineData("the list in two fields", "1a030a01011a0b08ffffffffffffffffff01", "[1,-1]")]
    [InlineData("unknown fields around and inside", "20051a09120180100508010801250000803f", "[1,1]")]
    [InlineData("another kind before", "12060a040000803f1a020802", "[2]")]
    [InlineData("another kind between", "1a02080112060a040000803f1a020802", "[2]")]
    [InlineData("no list", "", "None[]")]
    [InlineData("no list but unknown fields", "20052b08012c", "None[]")]
    [InlineData("an empty list of integers", "1a00", "[]")]
    [InlineData("an empty packed list", "12020a00", "[]")]
    [InlineData("five bytes of floats", "12070a050000803f00", "malformed")]
    [InlineData("a cut number", "1a030a0180", "malformed")]
    [InlineData("eleven bytes of a number", "1a0d0a0bffffffffffffffffffff01", "malformed")]
    [InlineData("a length beyond the end", "1a050a0101", "malformed")]
    [InlineData("field number 0", "00", "malformed")]
    [InlineData("wire type 7", "0f", "malformed")]
    [InlineData("an end of a group that was not begun", "24", "malformed")]
    [InlineData("a group that ends as another", "2308012c", "malformed")]
    public void EveryWireFormOfAList(string what, string hex, string expected)
    {
        var message = Convert.FromHexString(hex);
        byte[] entry = [0x0a, 1, (byte)'x', 0x12, (byte)message.Length, .. message];
        byte[] example = [0x0a, (byte)(entry.Length + 2), 0x0a, (byte)entry.Length, .. entry];
        if (expected == "malformed") Assert.Contains("malformed", Assert.Throws<ExampleException>(() => Text(example)).Message);
        else Assert.Equal($"{what}: x={expected}", $"{what}: {Text(example)}");
    }

    [Fact]
    public void MapEntriesInAnyForm()
    {
        // Value before key, a missing key, a missing value, a key twice, an unknown field between; two Features messages.
        Assert.Equal("k=[5]", Text(Example("1205 1a03 0a0105 0a016b")));
        Assert.Equal("=[5]", Text(Example("1205 1a03 0a0105")));
        Assert.Equal("k=None[]", Text(Example("0a016b")));
        Assert.Equal("l=[5]", Text(Example("0a016b 1801 0a016c 1205 1a03 0a0105")));
        Assert.Equal("k=[5] l=[5]", Text([.. Example("0a016b 1205 1a03 0a0105"), .. Example("0a016c 1205 1a03 0a0105")]));
        Assert.Equal("", Text([]));
        Assert.Equal("", Text([0x0a, 0]));
        static byte[] Example(string hex)
        {
            var entry = Convert.FromHexString(hex.Replace(" ", ""));
            return [0x0a, (byte)(entry.Length + 2), 0x0a, (byte)entry.Length, .. entry];
        }
    }

    [Fact]
    public void ReadsFilesOfTensorFlow()
    {
        using var cases = JsonDocument.Parse(SharedData.Vectors("tfrecord_files.json"));
        var expected = cases.RootElement[0];
        var records = Records.TfRecords.Stream(new MemoryStream(SharedData.Vectors(expected.GetProperty("file").GetString()!)));
        Assert.Equal(expected.GetProperty("records").GetArrayLength(), records.Count);
        for (var i = 0; i < records.Count; i++)
        {
            var features = expected.GetProperty("records")[i].EnumerateObject().OrderBy(f => f.Name, StringComparer.Ordinal);
            Assert.Equal(string.Join(' ', features.Select(f => $"{f.Name}=[{string.Join(',', f.Value.EnumerateArray())}]").Select(t => t.Replace(".0", ""))),
                string.Join(' ', Text(records[i], '\n').Split('\n').Order(StringComparer.Ordinal)));
        }
    }

    [Fact]
    public void RefusesAnotherKindAndShortSpans()
    {
        var reader = new ExampleReader(new ExampleWriter().Add("i", 1L, 2L).ToArray());
        Assert.True(reader.MoveNext());
        var feature = reader.Current;
        try
        {
            feature.CopyTo(new float[2]);
            Assert.Fail("floats were read");
        }
        catch (ExampleException e)
        {
            Assert.Equal("its values are Int64, not Float", e.Message);
        }
        try
        {
            feature.CopyTo(new long[1]);
            Assert.Fail("two values went into one");
        }
        catch (ArgumentException e)
        {
            Assert.Contains("more values than 1", e.Message);
        }
    }

    [Fact]
    public void PackedIntegersOfAllLengths()
    {
        var random = new Random(3);
        for (var count = 0; count < 70; count++)
        {
            // Runs of small numbers take another way than large ones.
            var values = new long[count];
            for (var i = 0; i < count; i++) values[i] = random.Next(4) > 0 ? random.Next(128) : (long)random.NextInt64() >> random.Next(64);
            var reader = new ExampleReader(new ExampleWriter().Add("i", values).ToArray());
            Assert.True(reader.MoveNext());
            Assert.Equal(count, reader.Current.Count);
            var read = new long[count + random.Next(2)];
            Assert.Equal(count, reader.Current.CopyTo(read));
            Assert.Equal(values, read[..count]);
        }
    }

    [Fact]
    public void NamesAreSortedByTheirBytes()
    {
        // U+FF5E comes before U+1F600 in UTF-8, but not in UTF-16.
        var example = new ExampleWriter().Add("\U0001F600", 1L).Add("\uFF5E", 2L).Add("Z", 3L).Add("a", 4L).Add("", 5L).ToArray();
        Assert.Equal("=[5] Z=[3] a=[4] \uFF5E=[2] \U0001F600=[1]", Text(example));
        Assert.Throws<InvalidOperationException>(() => new ExampleWriter().Add("a", 1L).Add("a", 2f).ToArray());
    }

    [Fact]
    public void LargeFeaturesAreWrittenAndCopied()
    {
        var large = new byte[300];
        new Random(4).NextBytes(large);
        var first = new ExampleWriter().AddBytes("one", large.AsSpan()).AddBytes("many", [large, [], large]).Add("text", new string('é', 200)).ToArray();
        var copy = new ExampleWriter();
        foreach (var feature in new ExampleReader(first)) copy.Add(feature);
        Assert.Equal(first, copy.ToArray());
        foreach (var feature in new ExampleReader(first))
        {
            if (!feature.Name.SequenceEqual("many"u8)) continue;
            var values = new List<byte[]>();
            foreach (var value in feature.EnumerateBytes()) values.Add(value.ToArray());
            Assert.Equal([large, [], large], values);
        }
    }

    internal static string Text(byte[] example, char separator = ' ')
    {
        var features = new List<string>();
        foreach (var feature in new ExampleReader(example)) features.Add($"{Encoding.UTF8.GetString(feature.Name)}={Values(feature)}");
        return string.Join(separator, features);
    }

    private static string Values(FeatureView feature)
    {
        var values = new List<string>();
        switch (feature.Kind)
        {
            case FeatureKind.Bytes:
                foreach (var value in feature.EnumerateBytes()) values.Add(Encoding.UTF8.GetString(value));
                break;
            case FeatureKind.Float:
                var floats = new float[feature.Count];
                feature.CopyTo(floats);
                values.AddRange(floats.Select(f => f.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                break;
            case FeatureKind.Int64:
                var integers = new long[feature.Count];
                feature.CopyTo(integers);
                values.AddRange(integers.Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                break;
            default:
                return "None[]";
        }
        return $"[{string.Join(',', values)}]";
    }
}
