using Fovea.Data;

namespace Fovea.Detection.Tests;

/// <summary>What Winograd's rounding does to a real detector.</summary>
public sealed class MtcnnAccuracyTests : IDisposable
{
    public void Dispose() => FoveaRuntime.ForceInstructionSet(null);

    /// <summary>Fast kernels, Winograd's among them, against loops in double precision over a whole photo: the same faces, no
    /// coordinate moves by a tenth of a pixel.</summary>
    [Fact]
    public void FastKernelsMoveNoBoxByATenthOfAPixel()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample1.jpg");
        var exact = Detect(model, photo, InstructionSet.Reference);
        Assert.True(exact.Length > 0);
        for (var isa = InstructionSet.Scalar; isa <= FoveaRuntime.Detected; isa++)
        {
            var fast = Detect(model, photo, isa);
            Assert.Equal(exact.Length, fast.Length);
            foreach (var (a, b) in exact.Zip(fast))
            {
                float moved = new[] { a.X1 - b.X1, a.Y1 - b.Y1, a.X2 - b.X2, a.Y2 - b.Y2 }.Max(MathF.Abs);
                Assert.True(moved < 0.1f, $"{isa}: a box moved by {moved} pixels");
                Assert.True(MathF.Abs(a.Score - b.Score) < 1e-4f, $"{isa}: score {b.Score:R}, exact {a.Score:R}");
            }
        }
    }

    private static FaceDetection[] Detect(MtcnnModel model, RgbImage photo, InstructionSet isa)
    {
        FoveaRuntime.ForceInstructionSet(isa);
        // Large faces only: the loops in double precision take seconds for a level.
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 80 });
        var results = new FaceDetection[32];
        return results[..session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results)];
    }
}
