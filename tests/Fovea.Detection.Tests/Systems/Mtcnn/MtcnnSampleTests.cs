using Fovea.Data;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems;

public sealed class MtcnnSampleTests
{
    private static readonly LabelledObject Face = new(0, 10, 20, 30, 40) { Points = [14, 25, 26, 25, 20, 30, 15, 36, 25, 36] };

    // Windows of 20 pixels that are d pixels to the right of the face: IoU (20 - d)/(20 + d).
    [Theory]
    [InlineData(0, "Face")]      // 1
    [InlineData(4, "Face")]      // .667
    [InlineData(5, "Part")]      // .6
    [InlineData(8, "Part")]      // .429
    [InlineData(9, null)]        // .379
    [InlineData(10, null)]       // .333
    [InlineData(11, "Background")] // .290
    public void KindsFollowTheOverlap(int right, string? kind)
    {
        var window = new MtcnnWindow(11 + right, 21, 30 + right, 40);
        Assert.Equal((20.0 - right) / (20 + right), window.Iou(Face), 12);
        var sample = MtcnnSample.Of(3, window, [new LabelledObject(0, 90, 90, 99, 99), Face], MtcnnStage.Refinement);
        Assert.Equal(kind, sample?.Kind.ToString());
        Assert.Equal(kind is "Face" or "Part", sample?.Deltas is not null);
        Assert.Equal(kind is "Face", sample?.Points is not null);
    }

    // What the cascade computes from boxes and deltas, in its own pixels, gives the face's edges.
    [Fact]
    public void DeltasOfRefinementLeadToTheFace()
    {
        var window = new MtcnnWindow(8, 25, 31, 48);
        var d = window.Deltas(Face, MtcnnStage.Refinement);
        // Inclusive pixels 11..30 and 21..40.
        Assert.Equal([11.0, 21, 30, 40], [8 + 24 * d[0], 25 + 24 * d[1], 31 + 24 * d[2], 48 + 24 * d[3]], Near);
    }

    // O-Net's boxes are reported less 1 on every side.
    [Fact]
    public void DeltasOfOutputLeadToTheReportedEdges()
    {
        var d = new MtcnnWindow(8, 25, 31, 48).Deltas(Face, MtcnnStage.Output);
        Assert.Equal([10.0, 20, 30, 40], [8 + 24 * d[0] - 1, 25 + 24 * d[1] - 1, 31 + 24 * d[2] - 1, 48 + 24 * d[3] - 1], Near);
    }

    // The window of P-Net's cell (3, 5) at scale 1/2 covers pixels 12..36 and 20..44 of the image; the cascade starts from
    // x1 = (2*3 + 1)/s + 1 and x2 = (2*3 + 12)/s + 1.
    [Fact]
    public void DeltasOfProposalsStartFromTheCascadesEdges()
    {
        var d = new MtcnnWindow(13, 21, 36, 44).Deltas(Face, MtcnnStage.Proposal);
        var (x1, y1, x2, y2) = (15.0, 23.0, 37.0, 45.0);
        Assert.Equal([11.0, 21, 30, 40], [x1 + 23 * d[0], y1 + 23 * d[1], x2 + 23 * d[2], y2 + 23 * d[3]], Near);
    }

    [Fact]
    public void LandmarksAreSharesOfTheWindow()
    {
        var points = new MtcnnWindow(11, 21, 30, 40).Points(Face.Points!);
        Assert.Equal([0.2, 0.8, 0.5, 0.25, 0.75, 0.25, 0.25, 0.5, 0.8, 0.8], points.Select(p => (double)p), Near);
    }

    [Fact]
    public void WindowsLieWhereTheyAreDrawn()
    {
        var random = new Random(1);
        Assert.All(MtcnnSampler.Anywhere(random, 60, 40, 200), w =>
        {
            Assert.InRange(w.X1, 1, 60);
            Assert.True(w.X2 <= 60 && w.Y1 >= 1 && w.Y2 <= 40);
            Assert.Equal(w.X2 - w.X1, w.Y2 - w.Y1);
            Assert.InRange(w.X2 - w.X1 + 1, 12, 20);
        });
        Assert.Empty(MtcnnSampler.Anywhere(random, 11, 40, 5));
        Assert.All(MtcnnSampler.Around(random, Face, 200), w => Assert.True(w.Iou(Face) > 0.3));
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-5;
}
