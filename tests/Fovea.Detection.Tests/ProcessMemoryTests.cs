using System.Diagnostics;

namespace Fovea.Detection.Tests;

/// <summary>Measures the whole process, so nothing else may run meanwhile.</summary>
[Collection(nameof(ProcessMemoryTests))]
[CollectionDefinition(nameof(ProcessMemoryTests), DisableParallelization = true)]
public sealed class ProcessMemoryTests
{
    [Fact]
    public void AThousandDetectionsLeavePoolAndProcessFlat()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample1.jpg");
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 200 });
        var results = new FaceDetection[8];
        session.WarmUp(photo.Width, photo.Height);
        // The warm-up's blank image has no candidates: the first face touches the later networks' memory, 8 MB that are no leak.
        session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
        long pool = session.Pool.Statistics.ReservedBytes;
        long process = ResidentBytes();
        for (int i = 0; i < 1000; i++) session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
        Assert.Equal(pool, session.Pool.Statistics.ReservedBytes);
        // The runtime's own background work may move a little.
        Assert.InRange(ResidentBytes() - process, long.MinValue, 16 << 20);
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        return process.WorkingSet64;
    }
}
