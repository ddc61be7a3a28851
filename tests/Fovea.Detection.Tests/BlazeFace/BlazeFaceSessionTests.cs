using Fovea.Data;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.BlazeFace;

public sealed class BlazeFaceSessionTests
{
    /// <summary>The faces that TFLite finds in the same photos.</summary>
    [Theory]
    [InlineData(BlazeFaceRange.ShortRange, "sample1.jpg", 3)]
    [InlineData(BlazeFaceRange.ShortRange, "sample6.jpg", 4)]
    [InlineData(BlazeFaceRange.FullRange, "sample1.jpg", 3)]
    [InlineData(BlazeFaceRange.FullRange, "sample5.jpg", 5)]
    [InlineData(BlazeFaceRange.FullRange, "sample6.jpg", 4)]
    [InlineData(BlazeFaceRange.BackCamera, "sample1.jpg", 3)]
    [InlineData(BlazeFaceRange.BackCamera, "sample6.jpg", 4)]
    public void FindsTheFacesOfRealPhotos(BlazeFaceRange range, string name, int expected)
    {
        var photo = SharedData.Photo(name);
        using var model = BlazeFaceModel.Load(Device.Cpu, Installed(range), range);
        using var session = new BlazeFaceSession(model);
        var faces = Detect(session, photo);
        Assert.Equal(expected, faces.Length);
        for (int i = 0; i < faces.Length; i++)
        {
            ref readonly var face = ref faces[i];
            Assert.InRange(face.Score, 0.5f, 1);
            if (i > 0) Assert.True(face.Score <= faces[i - 1].Score);
            Assert.True(face.X1 < face.X2 && face.Y1 < face.Y2);
            // Eyes, nose and mouth lie in the box; the person's right eye is on the left of the picture, and the eyes are above the mouth.
            for (int p = 0; p < 4; p++)
            {
                Assert.InRange(face.Landmarks[p].X, face.X1, face.X2);
                Assert.InRange(face.Landmarks[p].Y, face.Y1, face.Y2);
            }

            Assert.True(face.Landmarks[0].X < face.Landmarks[1].X && face.Landmarks[0].Y < face.Landmarks[3].Y);
        }
    }

    /// <summary>Averaging finds the same faces with the same scores; edges and points move, but not far.</summary>
    [Fact]
    public void AveragedFacesAreTheSameFaces()
    {
        var photo = SharedData.Photo("sample6.jpg");
        using var model = BlazeFaceModel.Load(Device.Cpu, SharedData.Installed("blazeface"));
        using var greedy = new BlazeFaceSession(model);
        using var weighted = new BlazeFaceSession(model, new BlazeFaceOptions { Suppression = BlazeFaceSuppression.Weighted });
        var (best, mean) = (Detect(greedy, photo), Detect(weighted, photo));
        Assert.Equal(best.Select(f => f.Score), mean.Select(f => f.Score));
        Assert.Contains(best.Zip(mean), pair => pair.First.X1 != pair.Second.X1);
        foreach (var (a, b) in best.Zip(mean))
        {
            float width = a.X2 - a.X1;
            Assert.Equal(a.X1, b.X1, 0.1f * width);
            Assert.Equal(a.Y2, b.Y2, 0.1f * width);
            Assert.Equal(0, (a.Landmarks[2] - b.Landmarks[2]).Length(), 0.1f * width);
        }
    }

    /// <summary>Two networks and MTCNN, trained apart, agree on where the faces are.</summary>
    [Fact]
    public void AgreesWithMtcnn()
    {
        var photo = SharedData.Photo("sample6.jpg");
        using var mtcnn = SharedData.Mtcnn();
        using var other = new MtcnnSession(mtcnn, new MtcnnOptions { MinFace = 80 });
        var expected = new FaceDetection[16];
        int count = other.Detect(photo.Pixels.Span, photo.Width, photo.Height, expected);
        Assert.Equal(4, count);
        foreach (var range in Enum.GetValues<BlazeFaceRange>())
        {
            using var model = BlazeFaceModel.Load(Device.Cpu, Installed(range), range);
            using var session = new BlazeFaceSession(model);
            foreach (var face in Detect(session, photo))
            {
                var nose = face.Landmarks[2];
                // Within a quarter of the face's width of MTCNN's nose.
                Assert.Contains(expected[..count], e => (e.Landmarks[2] - nose).Length() < (e.X2 - e.X1) / 4);
            }
        }
    }

    /// <summary>A picture of 1280 x 640 is placed on the rows 32 to 95 of the input; with black bars of its own it is scaled by the same whole
    /// number, 10, to the same input. So the faces are the same, only lower by a bar.</summary>
    [Fact]
    public void LetterboxIsTakenOutOfThePositions()
    {
        const int width = 1280, height = 640, bar = (width - height) / 2;
        var photo = SharedData.Photo("sample6.jpg");
        var wide = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
            photo.Pixels.Span.Slice(3 * ((y + 200) * photo.Width + 300), 3 * width).CopyTo(wide.AsSpan(3 * width * y));
        var square = new byte[3 * width * width];
        wide.CopyTo(square, 3 * width * bar);
        using var model = BlazeFaceModel.Load(Device.Cpu, SharedData.Installed("blazeface"));
        using var session = new BlazeFaceSession(model, new BlazeFaceOptions { Resampling = ResizeMode.Area });
        var expected = Detect(session, new RgbImage(width, height, wide));
        var actual = Detect(session, new RgbImage(width, width, square));
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            // The resized values may round differently; a thousandth of the image is far less than a pixel of the input.
            Assert.Equal(expected[i].Score, actual[i].Score, 1e-3);
            Assert.Equal(expected[i].X1, actual[i].X1, 1e-3 * width);
            Assert.Equal(expected[i].Y2 + bar, actual[i].Y2, 1e-3 * width);
            Assert.Equal(expected[i].Landmarks[5].Y + bar, actual[i].Landmarks[5].Y, 1e-3 * width);
        }
    }

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        var photo = SharedData.Photo("sample1.jpg");
        using var model = BlazeFaceModel.Load(Device.Cpu, SharedData.Installed("blazeface"));
        using var session = new BlazeFaceSession(model);
        session.WarmUp(photo.Width, photo.Height);
        var first = new BlazeFaceDetection[64];
        var second = new BlazeFaceDetection[64];
        var pixels = photo.Pixels;
        int count = session.Detect(pixels.Span, photo.Width, photo.Height, first);
        int again = 0;
        Assert.Equal(0, Garbage.Of(() => again = session.Detect(pixels.Span, photo.Width, photo.Height, second)));
        Assert.Equal(count, again);
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.AsBytes<BlazeFaceDetection>(first)
            .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes<BlazeFaceDetection>(second)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3000)]
    [InlineData(4000, 1)]
    [InlineData(7, 5)]
    public void AbsurdImagesHaveNoFaces(int width, int height)
    {
        using var model = BlazeFaceModel.Load(Device.Cpu, SharedData.Installed("blazeface"));
        using var session = new BlazeFaceSession(model);
        Assert.Equal(0, session.Detect(new byte[3 * width * height], width, height, new BlazeFaceDetection[8]));
    }

    [Fact]
    public void Arguments()
    {
        using var model = BlazeFaceModel.Load(Device.Cpu, SharedData.Installed("blazeface"));
        Assert.Throws<ArgumentNullException>(() => new BlazeFaceSession(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlazeFaceSession(model, new BlazeFaceOptions { Threshold = float.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlazeFaceSession(model, new BlazeFaceOptions { IouThreshold = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlazeFaceSession(model, new BlazeFaceOptions { MaxDetections = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlazeFaceSession(model, new BlazeFaceOptions { Resampling = ResizeMode.Nearest }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlazeFaceSession(model, new BlazeFaceOptions { Suppression = (BlazeFaceSuppression)2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlazeFaceModel.Load(Device.Cpu, new ModelStore(), (BlazeFaceRange)7));
        Assert.Throws<ModelNotInstalledException>(() => BlazeFaceModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static ModelStore Installed(BlazeFaceRange range) =>
        SharedData.Installed(range == BlazeFaceRange.BackCamera ? "blazeface-back" : "blazeface");

    private static BlazeFaceDetection[] Detect(BlazeFaceSession session, RgbImage photo)
    {
        var faces = new BlazeFaceDetection[64];
        return faces[..session.Detect(photo.Pixels.Span, photo.Width, photo.Height, faces)];
    }
}
