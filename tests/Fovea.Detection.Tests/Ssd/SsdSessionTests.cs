using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Models.Ssd;
using Fovea.Models.Tests;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.Ssd;

/// <summary>What holds with any weights.</summary>
public sealed class SsdSessionTests
{
    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        const int width = 97, height = 61;
        using var model = Generated();
        using var session = new SsdSession(model);
        var pixels = new byte[3 * width * height];
        new Random(3).NextBytes(pixels);
        session.WarmUp(width, height);
        var (first, second) = (new ObjectDetection[64], new ObjectDetection[64]);
        int count = session.Detect(pixels, width, height, first);
        int again = 0;
        Assert.Equal(0, Garbage.Of(() => again = session.Detect(pixels, width, height, second)));
        Assert.Equal(count, again);
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        // These weights see something somewhere; what it is has a name.
        Assert.InRange(count, 1, 64);
        for (int i = 0; i < count; i++)
        {
            Assert.InRange(first[i].Class, 0, SsdModel.ClassNames.Length - 1);
            Assert.InRange(first[i].Score, i == 0 ? 0.5f : 0, i == 0 ? 1 : first[i - 1].Score);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3000)]
    [InlineData(4000, 1)]
    public void AbsurdImagesAreNoError(int width, int height)
    {
        using var model = Generated();
        using var session = new SsdSession(model, new SsdOptions { Threshold = 0, MaxDetections = 8 });
        Assert.Equal(8, session.Detect(new byte[3 * width * height], width, height, new ObjectDetection[9]));
    }

    [Fact]
    public void Arguments()
    {
        using var model = Generated();
        Assert.Throws<ArgumentNullException>(() => new SsdSession(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SsdSession(model, new SsdOptions { Threshold = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SsdSession(model, new SsdOptions { IouThreshold = float.NaN }));
        Assert.Throws<ModelNotInstalledException>(() => SsdModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static SsdModel Generated() => new(Device.Cpu, s => new SsdMobileNetV2(s, new GeneratedConvolutions()));
}
