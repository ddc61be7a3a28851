using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>KeyPointLabels of a batch on the device.</summary>
internal sealed class KeyPointLabels : IDisposable
{
    private readonly DeviceTensor _boxes, _classes;

    public KeyPointLabels(DeviceStream stream, float[] boxes, int[] classes, int places)
    {
        var images = classes.Length / places;
        _boxes = DeviceTensor.From<float>(stream, boxes, images, places, 4);
        _classes = DeviceTensor.From<int>(stream, classes, images, places);
    }

    public DetectionTargets On(Tape tape) => new(tape.Input(_boxes), tape.Input(_classes));

    public void Dispose()
    {
        _boxes.Dispose();
        _classes.Dispose();
    }
}
