using System.Text.Json;
using Fovea.Detection.Boxes;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.Boxes;

public sealed class BoxFormatTests
{
    private static readonly BoxFormat[] Formats = Enum.GetValues<BoxFormat>();

    /// <summary>Corners that name pixels change every size, and the overlap of the boxes with it.</summary>
    [Fact]
    public void PlusOneCountsTheLastPixel()
    {
        float[] corners = [0, 2, 9, 6];
        Assert.Equal([0, 2, 9, 4], Converted(corners, BoxFormat.Corners, BoxFormat.CornerSize, plusOne: false));
        Assert.Equal([0, 2, 10, 5], Converted(corners, BoxFormat.Corners, BoxFormat.CornerSize, plusOne: true));
        Assert.Equal([4.5f, 4, 9, 4], Converted(corners, BoxFormat.Corners, BoxFormat.CentreSize, plusOne: false));
        Assert.Equal([5, 4.5f, 10, 5], Converted(corners, BoxFormat.Corners, BoxFormat.CentreSize, plusOne: true));
        Assert.Equal([-1, -0.5f, 1, 0.5f], Converted([0, 0, 2, 1], BoxFormat.CentreSize, BoxFormat.Corners, plusOne: false));
        Assert.Equal([-1, -0.5f, 0, -0.5f], Converted([0, 0, 2, 1], BoxFormat.CentreSize, BoxFormat.Corners, plusOne: true));
    }

    [Fact]
    public void ConversionsAreTorchvisions()
    {
        using var document = JsonDocument.Parse(SharedData.Vectors("boxes.json"));
        var vector = document.RootElement.EnumerateArray().Single(c => c.GetProperty("op").GetString() == "box_convert");
        foreach (var from in Formats)
            foreach (var to in Formats) Assert.Equal(Numbers(vector, to), Converted(Numbers(vector, from), from, to, plusOne: false));
    }

    /// <summary>Whole and half numbers survive every way there and back, in place too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WaysBackAreExact(bool plusOne)
    {
        var boxes = Boxes(57, wholeNumbers: true);
        foreach (var from in Formats)
        {
            foreach (var to in Formats)
            {
                var there = Converted(boxes, from, to, plusOne);
                BoxFormats.Convert(there, to, from, there, plusOne);
                Assert.Equal(boxes, there);
            }
        }
    }

    /// <summary>The map on a device adds the same two or three terms in f32: off by a rounding of the largest.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DevicesConvertTheSame(bool plusOne)
    {
        using var stream = Device.Cpu.CreateStream();
        var boxes = Boxes(133, wholeNumbers: false);
        using var x = DeviceTensor.From<float>(stream, boxes, boxes.Length / 4, 4);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, boxes.Length / 4, 4);
        foreach (var from in Formats)
        {
            foreach (var to in Formats)
            {
                using var converter = new BoxConverter(stream, from, to, plusOne);
                converter.Convert(stream, x, y);
                var expected = Converted(boxes, from, to, plusOne);
                var actual = y.ToArray<float>(stream);
                for (int i = 0; i < actual.Length; i++)
                    Assert.True(Math.Abs(expected[i] - actual[i]) <= 3e-5f, $"{from} to {to}, {i}: {actual[i]}, not {expected[i]}");
            }
        }
    }

    [Fact]
    public void ConversionsDoNotAllocate()
    {
        var boxes = Boxes(20, wholeNumbers: false);
        var result = new float[boxes.Length];
        BoxFormats.Convert(boxes, BoxFormat.Corners, BoxFormat.CentreSize, result);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (int i = 0; i < 100; i++) BoxFormats.Convert(boxes, BoxFormat.Corners, BoxFormat.CentreSize, result, plusOne: true);
        }));
    }

    [Fact]
    public void BadArgumentsAreNamed()
    {
        var boxes = new float[12];
        Refused("7 are no multiple of 4", () => BoxFormats.Convert(new float[7], default, default, new float[7]));
        Refused("the result has 8", () => BoxFormats.Convert(boxes, default, default, new float[8]));
        Refused("overlap in part", () => BoxFormats.Convert(boxes.AsSpan(0, 8), default, default, boxes.AsSpan(4, 8)));
        Assert.Throws<ArgumentOutOfRangeException>(() => BoxFormats.Convert(boxes, (BoxFormat)3, default, boxes));
        Assert.Throws<ArgumentOutOfRangeException>(() => BoxFormats.Convert(boxes, default, (BoxFormat)(-1), boxes));
    }

    private static void Refused(string message, Action call) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);

    private static float[] Converted(float[] boxes, BoxFormat from, BoxFormat to, bool plusOne)
    {
        var result = new float[boxes.Length];
        BoxFormats.Convert(boxes, from, to, result, plusOne);
        return result;
    }

    private static float[] Boxes(int count, bool wholeNumbers)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, 4 * count).Select(_ => wholeNumbers ? random.Next(-200, 400) / 2f : random.NextSingle() * 200 - 50)];
    }

    private static float[] Numbers(JsonElement vector, BoxFormat format) =>
    [
        .. vector.GetProperty(format switch { BoxFormat.Corners => "xyxy", BoxFormat.CornerSize => "xywh", _ => "cxcywh" })
            .EnumerateArray().SelectMany(box => box.EnumerateArray()).Select(v => v.GetSingle()),
    ];
}
