using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests.Examples;

public class ExampleParserTests
{
    private static readonly byte[] Empty = [];

    [Fact]
    public void FixedLenIsDense()
    {
        var parser = new ExampleParser(
            new FixedLenFeature("i", FeatureKind.Int64, 2),
            new FixedLenFeature("f", FeatureKind.Float) { Default = FeatureValues.Of(9f) },
            new FixedLenFeature("b", FeatureKind.Bytes, 1, 2) { Default = FeatureValues.Of("d", "") });
        using var batch = parser.Parse(
            Example(w => w.Add("i", 1L, 2L).Add("f", 0.5f).Add("b", "x", "yz").Add("ignored", "z")),
            Example(w => w.Add("i", -3L, 4L)));
        Assert.Equal(2, batch.Count);
        Assert.Equal([1, 2, -3, 4], batch["i"].Int64s);
        Assert.Equal([0.5f, 9f], batch["f"].Floats);
        Assert.Equal(["x", "yz", "d", ""], Strings(batch["b"]));
        Assert.Equal([2, 2], batch["i"].DenseShape);
        Assert.Equal([2], batch["f"].DenseShape);
        Assert.Equal([2, 1, 2], batch["b"].DenseShape);
        Assert.Equal([0, 2, 4], batch["i"].RowSplits);
    }

    [Fact]
    public void VarLenIsSparse()
    {
        using var batch = new ExampleParser(new VarLenFeature("v", FeatureKind.Int64)).Parse(
            Example(w => w.Add("v", 5L, 6L)), Empty, Example(w => w.Add("v", 7L, 8L, 9L)), Example(w => w.Add("v", ReadOnlySpan<long>.Empty)));
        var column = batch["v"];
        Assert.Equal([5, 6, 7, 8, 9], column.Int64s);
        Assert.Equal([0, 2, 2, 5, 5], column.RowSplits);
        Assert.Equal([0, 0, 0, 1, 2, 0, 2, 1, 2, 2], column.Indices);
        Assert.Equal([4, 3], column.DenseShape);
        Assert.True(column.InnerSplits.IsEmpty);
    }

    [Fact]
    public void FixedLenSequenceIsPadded()
    {
        var parser = new ExampleParser(
            new FixedLenSequenceFeature("s", FeatureKind.Int64, 2) { Padding = FeatureValues.Of(-1L) },
            new FixedLenSequenceFeature("t", FeatureKind.Float));
        using var batch = parser.Parse(
            Example(w => w.Add("s", 1L, 2L)), Example(w => w.Add("s", 3L, 4L, 5L, 6L).Add("t", 1f)), Empty);
        Assert.Equal([3, 2, 2], batch["s"].DenseShape);
        Assert.Equal([1, 2, -1, -1, 3, 4, 5, 6, -1, -1, -1, -1], batch["s"].PaddedInt64s);
        Assert.Equal([3, 1], batch["t"].DenseShape);
        Assert.Equal([0, 1, 0], batch["t"].PaddedFloats);
        Assert.Contains("multiple of the 2 values", Refused(parser, Example(w => w.Add("s", 1L, 2L, 3L))));
    }

    [Fact]
    public void RaggedHasRowSplits()
    {
        var parser = new ExampleParser(
            new RaggedFeature("r", FeatureKind.Bytes),
            new RaggedFeature("nested", FeatureKind.Float) { ValueKey = "values", RowLengthsKey = "lengths" });
        using var batch = parser.Parse(
            Example(w => w.Add("r", "a", "b").Add("values", 1f, 2f, 3f).Add("lengths", 2L, 0L, 1L)),
            Empty,
            Example(w => w.Add("values", 4f).Add("lengths", 1L)));
        Assert.Equal(["a", "b"], Strings(batch["r"]));
        Assert.Equal([0, 2, 2, 2], batch["r"].RowSplits);
        Assert.Equal([1, 2, 3, 4], batch["nested"].Floats);
        Assert.Equal([0, 3, 3, 4], batch["nested"].RowSplits);
        Assert.Equal([0, 2, 2, 3, 4], batch["nested"].InnerSplits);
        Assert.Equal([3, 3, 2], batch["nested"].DenseShape);
        Assert.Contains("add up to 3, but it has 2", Refused(parser, Example(w => w.Add("values", 1f, 2f).Add("lengths", 3L))));
        Assert.Contains("length is -1", Refused(parser, Example(w => w.Add("lengths", -1L, 1L))));
    }

    [Fact]
    public void SparseIsSortedByItsCoordinates()
    {
        SparseFeature Spec(bool sorted) => new("s", ["y", "x"], "v", FeatureKind.Bytes, [10, 20]) { AlreadySorted = sorted };
        var one = Example(w => w.Add("y", 3L, 1L, 1L).Add("x", 0L, 19L, 2L).Add("v", "a", "b", "c"));
        var two = Example(w => w.Add("y", 0L, 0L).Add("x", 1L, 1L).Add("v", "first", "second"));
        using var batch = new ExampleParser(Spec(false)).Parse(one, Empty, two);
        Assert.Equal(["c", "b", "a", "first", "second"], Strings(batch["s"]));
        Assert.Equal([0, 1, 2, 0, 1, 19, 0, 3, 0, 2, 0, 1, 2, 0, 1], batch["s"].Indices);
        Assert.Equal([3, 10, 20], batch["s"].DenseShape);
        Assert.Equal([0, 3, 3, 5], batch["s"].RowSplits);
        using var unsorted = new ExampleParser(Spec(true)).Parse(one);
        Assert.Equal(["a", "b", "c"], Strings(unsorted["s"]));
        var parser = new ExampleParser(Spec(false));
        Assert.Contains("2 values, but 1 coordinates in 'x'", Refused(parser, Example(w => w.Add("y", 1L, 1L).Add("x", 1L).Add("v", "a", "b"))));
        Assert.Contains("coordinate 20 in 'x'", Refused(parser, Example(w => w.Add("y", 1L).Add("x", 20L).Add("v", "a"))));
    }

    [Fact]
    public void SequenceExamplesHaveContextAndLists()
    {
        var parser = new ExampleParser(
            [new FixedLenFeature("id", FeatureKind.Int64)],
            [
                new VarLenFeature("tok", FeatureKind.Int64),
                new FixedLenSequenceFeature("box", FeatureKind.Float, 2),
                new RaggedFeature("word", FeatureKind.Bytes),
            ]);
        using var batch = parser.CreateBatch();
        var writer = new SequenceExampleWriter();
        writer.Context.Add("id", 7L);
        writer.BeginList("tok").AddStep(1L).AddStep(2L, 3L);
        writer.BeginList("box").AddStep(1f, 2f).AddStep(3f, 4f);
        writer.BeginList("word").AddStep("a", "b");
        batch.Add(writer.ToArray());
        writer.Clear();
        writer.Context.Add("id", 8L);
        writer.BeginList("tok").AddStep(ReadOnlySpan<long>.Empty).AddStep(4L);
        writer.BeginList("box").AddStep(5f, 6f);
        writer.BeginList("word");
        batch.Add(writer.ToArray());
        Assert.Equal([7, 8], batch["id"].Int64s);
        var tok = batch.List("tok");
        Assert.Equal([1, 2, 3, 4], tok.Int64s);
        Assert.Equal([0, 2, 4], tok.RowSplits);
        Assert.Equal([0, 1, 3, 3, 4], tok.InnerSplits);
        Assert.Equal([0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0], tok.Indices);
        Assert.Equal([2, 2, 2], tok.DenseShape);
        var box = batch.List("box");
        Assert.Equal([2, 2, 2], box.DenseShape);
        Assert.Equal([1, 2, 3, 4, 5, 6, 0, 0], box.PaddedFloats);
        Assert.Equal(["a", "b"], Strings(batch.List("word")));
        Assert.Equal([0, 1, 1], batch.List("word").RowSplits);
        writer.BeginList("box2");
        writer.Clear();
        writer.Context.Add("id", 9L);
        writer.BeginList("box").AddStep(1f);
        Assert.Equal("record 2: feature 'box': it has 1 values, expected 2", Assert.Throws<ExampleException>(() => batch.Add(writer.ToArray())).Message);
        Assert.Equal(2, batch.Count);
    }

    [Fact]
    public void MissingListsAreRefusedWhereTheyMustNotMiss()
    {
        var record = Example(w => w.Add("id", 1L));
        using var lenient = new ExampleParser([], [new FixedLenSequenceFeature("l", FeatureKind.Int64)]).Parse(record);
        Assert.Equal([1, 0], lenient.List("l").DenseShape);
        Assert.Contains("required, but missing", Refused(new ExampleParser([], [new FixedLenSequenceFeature("l", FeatureKind.Int64) { AllowMissing = false }]), record));
    }

    [Fact]
    public void UnexpectedRecordsAreNamed()
    {
        var parser = new ExampleParser(new FixedLenFeature("age", FeatureKind.Int64));
        Assert.Equal("record 0: feature 'age': it is required, but missing", Refused(parser, Empty));
        Assert.Equal("record 0: feature 'age': its values are Float, expected Int64", Refused(parser, Example(w => w.Add("age", 1f))));
        Assert.Equal("record 0: feature 'age': it has 2 values, expected 1", Refused(parser, Example(w => w.Add("age", 1L, 2L))));
        Assert.Equal("record 0: malformed protobuf: a field of 5 bytes has only 1 left", Refused(parser, new byte[] { 0x0a, 5, 1 }));
        // A list of no values is not a missing feature, even where there is a default.
        var lenient = new ExampleParser(new FixedLenFeature("age", FeatureKind.Int64) { Default = FeatureValues.Of(1L) });
        Assert.Equal("record 0: feature 'age': it has 0 values, expected 1", Refused(lenient, Example(w => w.Add("age", ReadOnlySpan<long>.Empty))));
    }

    [Fact]
    public void OfTwoFeaturesOfANameTheLastCounts()
    {
        var one = Example(w => w.Add("v", 1L, 2L)).ToArray();
        var two = Example(w => w.Add("v", 3L)).ToArray();
        using var batch = new ExampleParser(new VarLenFeature("v", FeatureKind.Int64)).Parse((byte[])[.. one, .. two], (byte[])[.. two, .. one]);
        Assert.Equal([3, 1, 2], batch["v"].Int64s);
    }

    [Fact]
    public void AFailedRecordLeavesNoTrace()
    {
        var parser = new ExampleParser(new VarLenFeature("a", FeatureKind.Bytes), new VarLenFeature("b", FeatureKind.Int64));
        using var batch = parser.CreateBatch();
        batch.Add(Example(w => w.Add("a", "x").Add("b", 1L)).Span);
        Assert.Throws<ExampleException>(() => batch.Add(Example(w => w.Add("a", "lost").Add("b", 1f)).Span));
        batch.Add(Example(w => w.Add("a", "y", "z")).Span);
        Assert.Equal(["x", "y", "z"], Strings(batch["a"]));
        Assert.Equal([0, 1, 3], batch["a"].RowSplits);
        Assert.Equal([0, 1, 1], batch["b"].RowSplits);
    }

    [Fact]
    public void ImpossibleSpecsAreRefused()
    {
        Refused("there are 2 features 'a'", new VarLenFeature("a", FeatureKind.Int64), new RaggedFeature("a", FeatureKind.Int64));
        Refused("in two ways", new VarLenFeature("a", FeatureKind.Int64), new RaggedFeature("b", FeatureKind.Float) { ValueKey = "a" });
        Refused("kind None", new VarLenFeature("a", FeatureKind.None));
        Refused("expected 2 of Int64", new FixedLenFeature("a", FeatureKind.Int64, 2) { Default = FeatureValues.Of(1L) });
        Refused("expected 1 of Float", new FixedLenSequenceFeature("a", FeatureKind.Float) { Padding = FeatureValues.Of(1L) });
        Refused("[1000000, 1000000] is impossible", new FixedLenFeature("a", FeatureKind.Int64, 1_000_000, 1_000_000));
        Refused("1 index keys for 2 sizes", new SparseFeature("a", ["i"], "v", FeatureKind.Float, [1, 2]));
        Assert.Throws<ArgumentException>(() => new ExampleParser([], [new FixedLenFeature("a", FeatureKind.Int64)]));
        static void Refused(string problem, params FeatureSpec[] specs) =>
            Assert.Contains(problem, Assert.Throws<ArgumentException>(() => new ExampleParser(specs)).Message);
    }

    [Fact]
    public void ColumnsRefuseWhatTheyAreNot()
    {
        using var batch = new ExampleParser(new FixedLenFeature("a", FeatureKind.Int64)).Parse(Example(w => w.Add("a", 1L)));
        Assert.Throws<InvalidOperationException>(() => _ = batch["a"].Floats.Length);
        Assert.Throws<InvalidOperationException>(() => _ = batch["a"].Indices.Length);
        Assert.Throws<InvalidOperationException>(() => _ = batch["a"].PaddedInt64s.Length);
        Assert.Throws<KeyNotFoundException>(() => batch["b"]);
    }

    [Fact]
    public void ParsingAllocatesNothingPerRecord()
    {
        var parser = new ExampleParser(
            new FixedLenFeature("i", FeatureKind.Int64, 3), new VarLenFeature("v", FeatureKind.Float), new RaggedFeature("r", FeatureKind.Bytes),
            new SparseFeature("s", ["x"], "w", FeatureKind.Int64, [10]), new FixedLenSequenceFeature("q", FeatureKind.Int64));
        var record = Example(w => w.Add("i", 1L, 2L, 300L).Add("v", 1f, 2f).Add("r", "one", "two").Add("x", 5L, 2L).Add("w", 1L, 2L).Add("q", 1L)).ToArray();
        using var batch = parser.CreateBatch();
        Fill();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fill();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        void Fill()
        {
            batch.Clear();
            for (var i = 0; i < 1000; i++) batch.Add(record);
            Assert.True(batch["v"].Indices.Length == 4000 && batch["q"].PaddedInt64s.Length == 1000 && batch["i"].RowSplits.Length == 1001);
        }
    }

    [Fact]
    public void ColumnsAreCopiedToADevice()
    {
        var parser = new ExampleParser(
            new FixedLenFeature("i", FeatureKind.Int64, 2), new VarLenFeature("v", FeatureKind.Float), new FixedLenSequenceFeature("q", FeatureKind.Float));
        using var stream = Device.Cpu.CreateStream();
        using var batch = parser.CreateBatch(Device.Cpu);
        for (var i = 0; i < 300; i++) batch.Add(Example(w => w.Add("i", i, 2L).Add("v", 1f, i).Add("q", new float[i % 3])).Span);
        using var fixedLen = batch["i"].ToTensor(stream);
        Assert.Equal([300, 2], fixedLen.Shape);
        Assert.Equal(batch["i"].Int64s, fixedLen.ToArray<long>(stream));
        using var values = batch["v"].ToTensor(stream);
        using var indices = batch["v"].IndicesToTensor(stream);
        using var splits = batch["v"].RowSplitsToTensor(stream);
        Assert.Equal(batch["v"].Floats, values.ToArray<float>(stream));
        Assert.Equal([600, 2], indices.Shape);
        Assert.Equal(batch["v"].Indices, indices.ToArray<long>(stream));
        Assert.Equal(batch["v"].RowSplits, splits.ToArray<long>(stream));
        using var padded = batch["q"].ToTensor(stream);
        Assert.Equal([300, 2], padded.Shape);
        using var managed = parser.CreateBatch();
        managed.Add(Example(w => w.Add("i", 1L, 2L)).Span);
        Assert.Throws<InvalidOperationException>(() => managed["i"].ToTensor(stream));
    }

    [Fact]
    public void ParsesFilesOfTensorFlow()
    {
        var file = File.ReadAllBytes(SharedData.File("models", "tfrecord", "example.tfrecord"));
        var parser = new ExampleParser(
            new FixedLenFeature("x_float", FeatureKind.Float, 5, 2), new FixedLenFeature("x_int", FeatureKind.Int64, 10), new VarLenFeature("x_byte", FeatureKind.Bytes));
        using var batch = parser.CreateBatch();
        foreach (var record in new TfRecordSpanReader(file)) batch.Add(record);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (float)i), batch["x_float"].Floats.ToArray());
        Assert.Equal(Enumerable.Range(0, 40).Select(i => 10L * i), batch["x_int"].Int64s.ToArray());
        Assert.Equal(Enumerable.Repeat("test str", 4), Strings(batch["x_byte"]));
        Assert.Equal([4, 5, 2], batch["x_float"].DenseShape);
    }

    // Boxes of the TensorFlow Object Detection schema, against the table that the records were made from.
    [Fact]
    public void ParsesDetectionRecords()
    {
        using var cases = JsonDocument.Parse(SharedData.Vectors("tfrecord_files.json"));
        var vector = cases.RootElement.EnumerateArray().Single(v => v.GetProperty("name").GetString() == "raccoon_detection_public");
        string[] sides = ["xmin", "ymin", "xmax", "ymax"];
        var parser = new ExampleParser([
            .. sides.Select(side => new VarLenFeature($"image/object/bbox/{side}", FeatureKind.Float)),
            new FixedLenFeature("image/width", FeatureKind.Int64), new FixedLenFeature("image/height", FeatureKind.Int64),
            new FixedLenFeature("image/encoded", FeatureKind.Bytes), new FixedLenFeature("image/filename", FeatureKind.Bytes),
            new VarLenFeature("image/object/class/label", FeatureKind.Int64), new VarLenFeature("image/object/class/text", FeatureKind.Bytes)]);
        using var batch = parser.CreateBatch();
        foreach (var record in new TfRecordSpanReader(SharedData.Vectors(vector.GetProperty("file").GetString()!))) batch.Add(record);
        var expected = vector.GetProperty("records");
        Assert.Equal(expected.GetArrayLength(), batch.Count);
        for (var row = 0; row < batch.Count; row++)
        {
            var item = expected[row];
            Assert.Equal(item.GetProperty("filename").GetString(), Encoding.UTF8.GetString(batch["image/filename"].Bytes(row)));
            double[] size = [batch["image/width"].Int64s[row], batch["image/height"].Int64s[row]];
            Assert.Equal([item.GetProperty("width").GetDouble(), item.GetProperty("height").GetDouble()], size);
            var jpeg = batch["image/encoded"].Bytes(row);
            Assert.Equal(item.GetProperty("jpeg_bytes").GetInt32(), jpeg.Length);
            Assert.Equal((int)size[0], ImageFile.ReadSize(jpeg, "record").Width);
            Assert.Equal(item.GetProperty("boxes_xyxy_px").GetArrayLength(), batch[$"image/object/bbox/xmin"].RowSplits[row + 1] - batch[$"image/object/bbox/xmin"].RowSplits[row]);
            for (var side = 0; side < 4; side++)
            {
                var column = batch[$"image/object/bbox/{sides[side]}"];
                Assert.Equal(item.GetProperty("boxes_xyxy_px")[0][side].GetDouble(), column.Floats[(int)column.RowSplits[row]] * size[side % 2], vector.GetProperty("tolerance_px").GetDouble());
            }
            Assert.Equal(1, batch["image/object/class/label"].Int64s[row]);
            Assert.Equal("raccoon", Encoding.UTF8.GetString(batch["image/object/class/text"].Bytes(row)));
        }
    }

    private static ReadOnlyMemory<byte> Example(Func<ExampleWriter, ExampleWriter> fill) => fill(new ExampleWriter()).ToArray();

    private static string Refused(ExampleParser parser, ReadOnlyMemory<byte> record) =>
        Assert.Throws<ExampleException>(() => parser.Parse(record)).Message;

    private static List<string> Strings(ExampleColumn column)
    {
        var values = new List<string>();
        for (var i = 0; i < column.Count; i++) values.Add(Encoding.UTF8.GetString(column.Bytes(i)));
        return values;
    }
}
