using System.Text;
using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

public sealed class AnnotationReaderTests : IDisposable
{
    private const string Coco = """
        {"info":{"year":2017,"nested":[[{"a":[1,2]}]]},"licenses":[],
        "annotations":[
          {"id":7,"image_id":9,"category_id":18,"bbox":[1.5,2,3,4],"area":5.25,"iscrowd":0,"segmentation":[[1,2,3,4]]},
          {"image_id":4,"category_id":1,"bbox":[0,0,10,20],"iscrowd":1,"segmentation":{"counts":[1,2],"size":[3,4]}}],
        "images":[{"id":9,"file_name":"b\u00e4r.jpg","height":480,"width":640},{"id":4,"file_name":"a.jpg"}],
        "categories":[{"id":18,"name":"dog","supercategory":"animal"},{"id":1,"name":"person"}]}
        """;

    private const string Results = """[{"image_id":9,"category_id":18,"bbox":[1,2,3,4],"score":0.75},{"score":1e-3,"bbox":[0,0,0,0],"image_id":4,"category_id":1}]""";

    private const string Voc = """
        <annotation><folder>VOC2007</folder><filename>000001.jpg</filename><size><width>353</width><height>500</height><depth>3</depth></size>
        <object><name>person</name><difficult>1</difficult><bndbox><xmin>8</xmin><ymin>12</ymin><xmax>352</xmax><ymax>498</ymax></bndbox>
          <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>
        <object><name>dog</name><bndbox><xmin>48.0</xmin><ymin>240</ymin><xmax>50</xmax><ymax>240</ymax></bndbox></object></annotation>
        """;

    private const string Wider = "0--Parade/a.jpg\n2\n449 330 122 149 0 0 0 0 0 0 \n1 2 3 4 2 0 0 1 0 0\nb.jpg\n0\n0 0 0 0 0 0 0 0 0 0\nc.jpg\n0\nd.jpg\n1\n5 6 0 8\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-labels-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CocoLabels()
    {
        var dataset = ReadCoco(Coco);
        Assert.Equal([new AnnotatedImage(4, "a.jpg", 0, 0), new AnnotatedImage(9, "bär.jpg", 640, 480)], dataset.Images);
        Assert.Equal([new ObjectCategory(1, "person"), new ObjectCategory(18, "dog")], dataset.Categories);
        Assert.Equal(
        [
            new AnnotatedObject(1, 1, new BoxXywh(1.5, 2, 3, 4)) { Area = 5.25 },
            new AnnotatedObject(0, 0, new BoxXywh(0, 0, 10, 20)) { IsCrowd = true },
        ], dataset.Objects);
        Assert.Equal(200, dataset.Objects[1].Area);
    }

    [Fact]
    public void CocoResults() => Assert.Equal(
        [new ScoredBox(1, 1, new BoxXywh(1, 2, 3, 4), 0.75), new ScoredBox(0, 0, new BoxXywh(0, 0, 0, 0), 0.001)], ReadResults(Results));

    /// <summary>A stream that gives a few bytes at a time cuts every token; so does a file with values larger than the buffer.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void TokensMayBeCutAnywhere(int bytes)
    {
        using var trickle = new TrickleStream(Encoding.UTF8.GetBytes("\uFEFF" + Coco), bytes);
        Assert.Equal(ReadCoco(Coco).Objects, CocoJson.ReadDataset(trickle, "trickle").Objects);
        string mask = new('0', 200_000);
        Assert.Equal(2, ReadCoco(Coco.Replace("\"counts\":[1,2]", $"\"counts\":\"{mask}\"")).Objects.Count);
    }

    [Theory]
    [InlineData("", "not valid JSON at byte 0")]
    [InlineData("[]", "the file must be an object")]
    [InlineData("{\"images\":{}}", "the list of image entries must be an array")]
    [InlineData("{\"images\":[3]}", "image must be an object")]
    [InlineData("{\"images\":[{}]}", "an image has no id")]
    [InlineData("{\"images\":[{\"id\":1.5}]}", "id must be a whole number")]
    [InlineData("{\"images\":[{\"id\":1,\"width\":-1}]}", "an image of -1x0 pixels")]
    [InlineData("{\"images\":[{\"id\":1},{\"id\":1}]}", "image 1 occurs twice")]
    [InlineData("{\"images\":[{\"id\":1,\"file_name\":\"\\ud800\"}]}", "file_name is not valid text")]
    [InlineData("{\"categories\":[{\"id\":1}]}", "category 1 has no name")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1}]}", "an entry has no bbox")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3]}]}", "bbox has 3 numbers instead of 4")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4,5]}]}", "bbox has more than 4 numbers")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,-3,4]}]}", "bbox has the size -3 x 4")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,1e999]}]}", "bbox must be a finite number")]
    [InlineData("{\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4]}]}", "entry 0 refers to image 1, which is not defined")]
    [InlineData("{} x", "not valid JSON at byte 3")]
    public void BadCocoIsRefusedWithItsName(string json, string message)
    {
        var error = Assert.Throws<AnnotationFormatException>(() => ReadCoco(json));
        Assert.StartsWith($"labels: {message}", error.Message);
        Assert.Equal("labels", error.FileName);
    }

    [Theory]
    [InlineData("{}", "the list of detection entries must be an array")]
    [InlineData("[{\"image_id\":9,\"category_id\":18,\"bbox\":[1,2,3,4]}]", "entry 0 has no score")]
    [InlineData("[{\"image_id\":5,\"category_id\":18,\"bbox\":[1,2,3,4],\"score\":1}]", "entry 0 refers to image 5, which is not defined")]
    [InlineData("[{\"image_id\":9,\"category_id\":2,\"bbox\":[1,2,3,4],\"score\":1}]", "entry 0 refers to category 2, which is not defined")]
    [InlineData("[{\"image_id\":9,\"category_id\":18,\"bbox\":[1,2,3,4],\"score\":NaN}]", "not valid JSON")]
    public void BadResultsAreRefused(string json, string message) =>
        Assert.StartsWith($"results: {message}", Assert.Throws<AnnotationFormatException>(() => ReadResults(json)).Message);

    [Fact]
    public void EveryTruncationAndDamageOfJsonIsRefusedOrRead()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Coco);
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<AnnotationFormatException>(() => CocoJson.ReadDataset(new MemoryStream(bytes, 0, length), "cut"));
        var random = new Random(1);
        for (int round = 0; round < 20000; round++)
        {
            byte[] copy = [.. bytes];
            for (int flips = random.Next(1, 4); flips > 0; flips--) copy[random.Next(copy.Length)] = (byte)random.Next(256);
            Survives(() => CocoJson.ReadDataset(new MemoryStream(copy), "damaged"));
        }
    }

    [Fact]
    public void DepthAndLengthAreBounded()
    {
        Assert.Throws<AnnotationFormatException>(() => ReadCoco("{\"a\":" + new string('[', 100_000)));
        using var endless = new EndlessString();
        Assert.Contains("longer than", Assert.Throws<AnnotationFormatException>(() => CocoJson.ReadDataset(endless, "endless")).Message);
    }

    [Fact]
    public void VocFolder()
    {
        Write("000002.xml", Voc.Replace("000001", "000002").Replace("person", "cat"));
        Write("000001.xml", Voc);
        Write("notes.txt", "no annotation");
        var dataset = VocXml.ReadFolder(_folder);
        Assert.Equal([new AnnotatedImage(1, "000001.jpg", 353, 500), new AnnotatedImage(2, "000002.jpg", 353, 500)], dataset.Images);
        Assert.Equal(["cat", "dog", "person"], dataset.Categories.Select(c => c.Name));
        Assert.Equal(
        [
            new AnnotatedObject(0, 2, new BoxXywh(7, 11, 345, 487)) { IsIgnored = true },
            new AnnotatedObject(0, 1, new BoxXywh(47, 239, 3, 1)),
            new AnnotatedObject(1, 0, new BoxXywh(7, 11, 345, 487)) { IsIgnored = true },
            new AnnotatedObject(1, 1, new BoxXywh(47, 239, 3, 1)),
        ], dataset.Objects);
        var chosen = VocXml.ReadFolder(_folder, Write("test.txt", "000002 -1\n\n"));
        Assert.Equal("000002.jpg", Assert.Single(chosen.Images).FileName);
    }

    [Theory]
    [InlineData("", "not a VOC annotation")]
    [InlineData("<annotation><object><name>x</name></object></annotation>", "<object> has no <bndbox>")]
    [InlineData("<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>", "<bndbox> has no <ymin>")]
    [InlineData("<a><object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>NaN</xmax><ymax>1</ymax></bndbox></object></a>", "<xmax> is not a finite number")]
    [InlineData("<a><object><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></object></a>", "an impossible box from (9, 1) to (1, 1)")]
    [InlineData("<a><size><width>-1</width><height>1</height></size></a>", "<width> is not a size")]
    [InlineData("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "DTD")]
    public void BadVocIsRefusedWithItsName(string xml, string message)
    {
        string path = Write("bad.xml", xml);
        var error = Assert.Throws<AnnotationFormatException>(() => VocXml.ReadFolder(_folder));
        Assert.StartsWith(path + ": ", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void DamagedAndDeepXmlIsRefusedOrRead()
    {
        var random = new Random(2);
        for (int round = 0; round < 300; round++)
        {
            byte[] copy = Encoding.UTF8.GetBytes(Voc);
            for (int flips = random.Next(1, 4); flips > 0; flips--) copy[random.Next(copy.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Path.Combine(_folder, "a.xml"), copy);
            Survives(() => VocXml.ReadFolder(_folder));
        }
        Write("a.xml", string.Concat(Enumerable.Repeat("<a>", 200_000)));
        Assert.Contains("more than 16 deep", Assert.Throws<AnnotationFormatException>(() => VocXml.ReadFolder(_folder)).Message);
    }

    [Fact]
    public void WiderFaceLabels()
    {
        var dataset = WiderFaceText.Read(new StringReader(Wider), "wider");
        Assert.Equal(["0--Parade/a.jpg", "b.jpg", "c.jpg", "d.jpg"], dataset.Images.Select(i => i.FileName));
        Assert.Equal(
        [
            new AnnotatedObject(0, 0, new BoxXywh(449, 330, 122, 149)),
            new AnnotatedObject(0, 0, new BoxXywh(1, 2, 3, 4)) { IsIgnored = true },
            new AnnotatedObject(3, 0, new BoxXywh(5, 6, 0, 8)) { IsIgnored = true },
        ], dataset.Objects);
        Assert.Empty(WiderFaceText.Read(new StringReader(""), "empty").Images);
    }

    [Theory]
    [InlineData("a.jpg\n", "the file ends early: expected the number of faces")]
    [InlineData("a.jpg\n-1\n", "line 2: expected the number of faces")]
    [InlineData("a.jpg\n99999999999\n", "line 2: expected the number of faces")]
    [InlineData("a.jpg\n2000000000\n1 2 3 4\n", "the file ends early: expected at least 4")]
    [InlineData("a.jpg\n1\n1 2 x 4\n", "line 3: expected at least 4")]
    [InlineData("a.jpg\n1\n1 2 3 4 5 6 7 8 9 10 11\n", "line 3: expected at least 4")]
    [InlineData("a.jpg\n1\n1 2 -3 4\n", "line 3: a face has a negative side")]
    [InlineData("\n1\n1 2 3 4\n", "line 1: the name of an image is missing")]
    public void BadWiderIsRefused(string text, string message) => Assert.StartsWith($"wider: {message}",
        Assert.Throws<AnnotationFormatException>(() => WiderFaceText.Read(new StringReader(text), "wider")).Message);

    [Fact]
    public void YoloFolder()
    {
        string images = Directory.CreateDirectory(Path.Combine(_folder, "images")).FullName;
        foreach (string name in new[] { "a.png", "b.png" }) ImageFile.Save(Path.Combine(images, name), new RgbImage(40, 20, new byte[2400]));
        Write("a.txt", "1 0.5 0.5 0.5 1\n\n0\t0.25 0.5 0.1 0.2\n");
        var dataset = YoloText.ReadFolder(images, _folder, ["person", "dog"]);
        Assert.Equal([new AnnotatedImage(1, "a.png", 40, 20), new AnnotatedImage(2, "b.png", 40, 20)], dataset.Images);
        Assert.Equal([new AnnotatedObject(0, 1, new BoxXywh(10, 0, 20, 20)), new AnnotatedObject(0, 0, new BoxXywh(8, 8, 4, 4))], dataset.Objects);
        foreach (var (line, message) in new[] { ("2 0 0 0 0", "class 2 of 2"), ("0 0 0 0", "expected 5 numbers"), ("0 0 0 -1 0", "an impossible box") })
        {
            string path = Write("b.txt", "\n" + line);
            Assert.Equal($"{path}: line 2: {message}", Assert.Throws<AnnotationFormatException>(() => YoloText.ReadFolder(images, _folder, ["person", "dog"])).Message);
        }
    }

    private static AnnotatedDataset ReadCoco(string json) => CocoJson.ReadDataset(new MemoryStream(Encoding.UTF8.GetBytes(json)), "labels");

    private static ScoredBox[] ReadResults(string json) =>
        CocoJson.ReadDetections(new MemoryStream(Encoding.UTF8.GetBytes(json)), "results", ReadCoco(Coco));

    // Anything but a result or the exception of the format fails the test.
    private static void Survives(Func<object> read)
    {
        try
        {
            read();
        }
        catch (AnnotationFormatException)
        {
        }
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class TrickleStream(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(step, count));
    }

    /// <summary>A JSON string without end.</summary>
    private sealed class EndlessString : MemoryStream
    {
        private bool _started;

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)'a');
            if (!_started) "{\""u8.CopyTo(buffer.AsSpan(offset));
            _started = true;
            return count;
        }
    }
}
