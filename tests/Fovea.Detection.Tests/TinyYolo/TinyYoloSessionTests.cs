using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.TinyYolo;

public sealed class TinyYoloSessionTests
{
    /// <summary>The boxes (x, y, width, height) that face-api.js itself finds in the same photos, without its one false alarm; it scales photos
    /// by its own code, so the network sees other pixels and its boxes are close, not equal: they overlap by 0.91 at least.</summary>
    [Theory]
    [InlineData("sample1.jpg", new[] { 776, 445, 313, 256, 1422, 215, 307, 283, 336, 396, 306, 253 })]
    [InlineData("sample6.jpg", new[] { 1432, 314, 298, 290, 616, 378, 295, 276, 1092, 360, 295, 275, 187, 518, 335, 289 })]
    public void FindsTheFacesThatFaceApiFinds(string name, int[] expected)
    {
        var photo = SharedData.Photo(name);
        using var model = TinyYoloFaceModel.Load(Device.Cpu, SharedData.Installed("tiny-yolov2-face"));
        using var session = new TinyYoloFaceSession(model);
        var faces = new BoxDetection[64];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, faces);
        Assert.InRange(count, expected.Length / 4, expected.Length / 4 + 1);
        for (int i = 0; i < count; i++)
        {
            Assert.InRange(faces[i].Score, 0.5f, 1);
            if (i > 0) Assert.True(faces[i].Score <= faces[i - 1].Score);
        }

        for (int i = 0; i < expected.Length; i += 4)
        {
            var box = new BoxXywh(expected[i], expected[i + 1], expected[i + 2], expected[i + 3]);
            double best = faces[..count].Max(f => BoxXywh.FromCorners(f.X1, f.Y1, f.X2, f.Y2).Iou(box));
            Assert.True(best > 0.9, $"the nearest face to {box} overlaps it by {best}");
        }
    }

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        var photo = SharedData.Photo("sample1.jpg");
        using var model = TinyYoloFaceModel.Load(Device.Cpu, SharedData.Installed("tiny-yolov2-face"));
        using var session = new TinyYoloFaceSession(model);
        session.WarmUp(photo.Width, photo.Height);
        var (first, second) = (new BoxDetection[64], new BoxDetection[64]);
        var pixels = photo.Pixels;
        session.Detect(pixels.Span, photo.Width, photo.Height, first);
        Assert.Equal(0, Garbage.Of(() => session.Detect(pixels.Span, photo.Width, photo.Height, second)));
        Assert.True(MemoryMarshal.AsBytes<BoxDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<BoxDetection>(second)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3000)]
    [InlineData(4000, 1)]
    public void AbsurdImagesHaveNoFaces(int width, int height)
    {
        using var model = TinyYoloFaceModel.Load(Device.Cpu, SharedData.Installed("tiny-yolov2-face"));
        using var session = new TinyYoloFaceSession(model);
        Assert.Equal(0, session.Detect(new byte[3 * width * height], width, height, new BoxDetection[8]));
    }

    [Fact]
    public void Arguments()
    {
        using var model = TinyYoloFaceModel.Load(Device.Cpu, SharedData.Installed("tiny-yolov2-face"));
        Assert.Throws<ArgumentNullException>(() => new TinyYoloFaceSession(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TinyYoloFaceSession(model, new TinyYoloFaceOptions { Threshold = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TinyYoloFaceSession(model, new TinyYoloFaceOptions { IouThreshold = float.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TinyYoloFaceSession(model, new TinyYoloFaceOptions { MaxDetections = 0 }));
        Assert.Throws<ModelNotInstalledException>(() => TinyYoloFaceModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }
}
