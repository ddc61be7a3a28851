using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Targets and decoding through the CUDA kernels, emulated on the processor: host operations copy, decoders stay on the device.</summary>
public sealed class KeyPointEmulatedTests
{
    private const int Side = 8, Classes = 2;

    [Fact]
    public void TargetsAndDetectionsAreThoseOfTheCpu()
    {
        Assert.SkipUnless(Device.Backends.Any(b => b is { Name: "cuda-emulated", RefusalReason: null }), "the emulated CUDA plug-in was not built");
        var (expected, actual) = (Run(Device.Cpu), Run(Device.CudaEmulated));
        for (var i = 0; i < expected.Length; i++)
        {
            // Sigmoid's rounding aside, the same bits.
            Assert.Equal(expected[i].Length, actual[i].Length);
            Assert.All(expected[i].Zip(actual[i]), p => Assert.Equal(p.First, p.Second, 1e-6f));
        }
    }

    private static float[][] Run(Device device)
    {
        using var stream = device.CreateStream();
        using var labels = new Labels(stream, [3, 4, 17, 25, 20.5f, 1.25f, 30, 9.5f, 0, 0, 4, 4, 0, 0, 0, 0], [1, 0, 1, -1], images: 2);
        var init = new Initializer(stream, 9);
        using DeviceTensor heat = init.Uniform(3, 2, Side, Side, Classes), tags = init.Uniform(0.5f, 2, Side, Side, 1), places = init.Uniform(1, 2, Side, Side, 2);
        var tape = new Tape();
        var (targets, grid) = (labels.On(tape), new KeyPointGrid(Side, 4, RadiusRule.Published));
        var (h, t, p) = (tape.Input(heat), tape.Input(tags), tape.Input(places));
        var center = new CenterNetTargetsOperation(Classes, grid).Record(targets.Boxes, targets.Classes);
        var corner = new CornerNetTargetsOperation(Classes, grid).Record(targets.Boxes, targets.Classes);
        var peaks = new DetectPeaksOperation(new PeakOptions { TopK = 20 }, 20).Record(h, p, p)[0];
        var pairs = new SoftSuppressOperation(new SoftNmsOptions(), 20).Record(new CornerNetDecodeOperation(new CornerPairing(), 4, 32).Record(h, t, p, h, t, p))[0];
        Value[] results = [center[0], center[2], corner[CornerTargets.Count], corner[^3], corner[^2], peaks, pairs];
        using var program = TapeProgram.Inference(stream, results);
        program.Run();
        return [.. results.Select(r => program.Read(r).ToArray<float>(stream))];
    }
}
