using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Tests.Support;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>What holds with any weights.</summary>
public sealed class TrainedDetectorSessionTests : IDisposable
{
    private const int Size = 64;

    private static readonly TrainedDetectorOptions Everything = new() { Threshold = 0, MaxDetections = 20 };

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        using var detector = Generated();
        using var session = new TrainedDetectorSession(detector, Everything);
        var (first, second, other) = (new ObjectDetection[20], new ObjectDetection[20], new ObjectDetection[20]);
        var (wide, square) = (Noise(97, 61), Noise(Size, Size));
        session.WarmUp(97, 61);
        var count = session.Detect(wide, 97, 61, first);
        session.Detect(square, Size, Size, other); // another graph over the same program
        session.Detect(square, Size, Size, other);
        var again = 0;
        Assert.Equal(0, Garbage.Of(() => again = session.Detect(wide, 97, 61, second)));
        Assert.Equal(count, again);
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        Assert.InRange(count, 1, 20);
        for (var i = 0; i < count; i++)
        {
            Assert.InRange(first[i].Class, 0, detector.ClassNames.Count - 1);
            Assert.InRange(first[i].Score, 0, i == 0 ? 1 : first[i - 1].Score);
        }
    }

    // The letterbox rounds (b - 127.5)/127.5 otherwise than b/127.5 - 1, by 2^-24; the network magnifies that to well below these bounds.
    [Fact]
    public void AnImageOfItsSizeIsSeenAsInTraining()
    {
        using var detector = Generated();
        using var session = new TrainedDetectorSession(detector, Everything);
        using var stream = Device.Cpu.CreateStream();
        using var evaluation = new DetectorEvaluation(stream, detector.System, batchSize: 1);
        var image = new RgbImage(Size, Size);
        Noise(Size, Size).CopyTo(image.Pixels.Span);
        var expected = evaluation.Detect([new LabelledImage(image, [])])[0];
        var found = new ObjectDetection[20];
        var count = session.Detect(image.Pixels.Span, Size, Size, found);
        Assert.Equal(Math.Min(20, expected.Length), count);
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(expected[i].Score, found[i].Score, 1e-4f);
            Assert.Equal(expected[i].X1, found[i].X1, 0.01f);
            Assert.Equal(expected[i].Y2, found[i].Y2, 0.01f);
        }
    }

    // An image of one colour is the same in every size, so only the way back from the letterbox differs.
    [Fact]
    public void BoxesAreInPixelsOfTheImage()
    {
        using var detector = Generated();
        using var session = new TrainedDetectorSession(detector, Everything);
        var (small, large) = (new ObjectDetection[20], new ObjectDetection[20]);
        var count = session.Detect(new byte[3 * 64 * 32], 64, 32, small);
        Assert.Equal(count, session.Detect(new byte[3 * 256 * 128], 256, 128, large));
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(small[i].Score, large[i].Score);
            Assert.Equal(4 * small[i].X2, large[i].X2, 1e-3f);
            Assert.Equal(4 * small[i].Y1, large[i].Y1, 1e-3f);
            Assert.InRange(small[i].Y1, -16.001f, 48); // a margin of 16 pixels above and below
        }
    }

    public static TheoryData<string> Names => [.. DetectionSystems.Names];

    // A wide image: the letterbox and the way back are part of it.
    [Theory]
    [MemberData(nameof(Names))]
    public void EverySystemComesBackFromItsFile(string name)
    {
        using var stream = Device.Cpu.CreateStream();
        using (var system = DetectionSystems.Create(name, new Initializer(stream, 1), 96, 2)) TrainedDetector.Save(stream, _path, name, system, ["a", "b"]);
        using var detector = TrainedDetector.Load(Device.Cpu, _path);
        using var session = new TrainedDetectorSession(detector, Everything);
        var (image, first, second) = (Noise(100, 50), new ObjectDetection[20], new ObjectDetection[20]);
        var count = session.Detect(image, 100, 50, first);
        Assert.InRange(count, 0, 20);
        Assert.Equal(count, session.Detect(image, 100, 50, second));
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        Assert.All(first[..count], d => Assert.InRange(d.Class, 0, 1));
    }

    [Fact]
    public void Arguments()
    {
        using var detector = Generated();
        Assert.Throws<ArgumentNullException>(() => new TrainedDetectorSession(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainedDetectorSession(detector, new TrainedDetectorOptions { Threshold = 2 }));
        using var strict = new TrainedDetectorSession(detector, new TrainedDetectorOptions { Threshold = 1 });
        Assert.Equal(0, strict.Detect(Noise(5, 3), 5, 3, new ObjectDetection[9]));
    }

    private TrainedDetector Generated()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = DetectionSystems.Create("fcos", new Initializer(stream, 1), Size, 3);
        // A prior of 0.01 would hide nearly everything.
        foreach (var p in system.Parameters)
            if (p.Name.EndsWith("cls_logits.bias", StringComparison.Ordinal)) p.Value.Fill(stream, 0);
        TrainedDetector.Save(stream, _path, "fcos", system, ["a", "b", "c"]);
        return TrainedDetector.Load(Device.Cpu, _path);
    }

    private static byte[] Noise(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        new Random(3).NextBytes(pixels);
        return pixels;
    }
}
