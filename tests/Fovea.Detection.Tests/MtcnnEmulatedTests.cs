using Fovea.Data;

namespace Fovea.Detection.Tests;

/// <summary>The whole cascade through the CUDA kernels, emulated on the processor, as one captured graph.</summary>
public sealed class MtcnnEmulatedTests
{
    /// <summary>The faces of the CPU: the same number, no coordinate farther than a tenth of a pixel, as for the fast kernels
    /// of the CPU.</summary>
    [Fact]
    public void FindsTheFacesOfTheCpu()
    {
        Assert.SkipUnless(Device.Backends.Any(b => b is { Name: "cuda-emulated", RefusalReason: null }), "the emulated CUDA plug-in was not built");
        using var model = SharedData.Mtcnn(Device.Cpu);
        using var emulated = SharedData.Mtcnn(Device.CudaEmulated);
        var photo = SharedData.Photo("sample1.jpg");
        var face = Detect(model, photo.Pixels.Span, photo.Width, photo.Height)[0];
        // A window around the best face: the whole photo would take the emulator minutes.
        const int side = 240;
        int left = Math.Clamp((int)(face.X1 + face.X2 - side) / 2, 0, photo.Width - side);
        int top = Math.Clamp((int)(face.Y1 + face.Y2 - side) / 2, 0, photo.Height - side);
        var window = new byte[3 * side * side];
        for (int y = 0; y < side; y++)
            photo.Pixels.Span.Slice(3 * ((top + y) * photo.Width + left), 3 * side).CopyTo(window.AsSpan(3 * side * y));

        var expected = Detect(model, window, side, side);
        var actual = Detect(emulated, window, side, side);
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, actual.Length);
        foreach (var (a, b) in expected.Zip(actual))
        {
            float moved = new[] { a.X1 - b.X1, a.Y1 - b.Y1, a.X2 - b.X2, a.Y2 - b.Y2 }.Max(MathF.Abs);
            Assert.True(moved < 0.1f, $"a box moved by {moved} pixels");
            Assert.True(MathF.Abs(a.Score - b.Score) < 1e-4f, $"score {b.Score:R}, on the CPU {a.Score:R}");
        }
    }

    private static FaceDetection[] Detect(MtcnnModel model, ReadOnlySpan<byte> rgb, int width, int height)
    {
        var options = new MtcnnOptions { MinFace = 60, MaxProposals = 256, MaxDetections = 64 };
        using var session = new MtcnnSession(model, options);
        var results = new FaceDetection[8];
        return results[..session.Detect(rgb, width, height, results)];
    }
}
