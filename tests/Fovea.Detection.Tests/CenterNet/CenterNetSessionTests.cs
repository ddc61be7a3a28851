using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Models.CenterNet;
using Fovea.Models.Tests;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.CenterNet;

/// <summary>What holds with any weights.</summary>
public sealed class CenterNetSessionTests
{
    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        const int width = 83, height = 120;
        using var model = Generated();
        using var session = new CenterNetSession(model, new CenterNetOptions { Threshold = 0 });
        var pixels = new byte[3 * width * height];
        new Random(3).NextBytes(pixels);
        session.WarmUp(width, height);
        var (first, second) = (new ObjectDetection[64], new ObjectDetection[64]);
        int count = session.Detect(pixels, width, height, first);
        int again = 0;
        Assert.Equal(0, Garbage.Of(() => again = session.Detect(pixels, width, height, second)));
        Assert.Equal(count, again);
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        Assert.InRange(count, 1, 64);
        for (int i = 0; i < count; i++)
        {
            Assert.InRange(first[i].Class, 0, CenterNetModel.ClassNames.Length - 1);
            Assert.InRange(first[i].Score, 0, i == 0 ? 1 : first[i - 1].Score);
        }
    }

    [Theory]
    [InlineData(1, 3000)]
    [InlineData(4000, 1)]
    public void AbsurdImagesAreNoError(int width, int height)
    {
        using var model = Generated();
        using var session = new CenterNetSession(model, new CenterNetOptions { MaxDetections = 8 });
        Assert.InRange(session.Detect(new byte[3 * width * height], width, height, new ObjectDetection[9]), 0, 8);
    }

    [Fact]
    public void Arguments()
    {
        using var model = Generated();
        Assert.Throws<ArgumentNullException>(() => new CenterNetSession(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CenterNetSession(model, new CenterNetOptions { Threshold = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CenterNetSession(model, new CenterNetOptions { MaxDetections = 0 }));
        Assert.Throws<ModelNotInstalledException>(() => CenterNetModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static CenterNetModel Generated()
    {
        var weights = new GeneratedConvolutions();
        return new CenterNetModel(Device.Cpu, s => new CenterNetNet(s, (_, shape) => weights.Floats(shape)));
    }
}
