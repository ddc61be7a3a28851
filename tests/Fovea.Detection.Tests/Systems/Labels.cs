using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Labels of a batch in tensors.</summary>
internal sealed class Labels(DeviceStream stream, float[] boxes, int[] classes, int images) : IDisposable
{
    private readonly DeviceTensor _boxes = DeviceTensor.From<float>(stream, boxes, images, classes.Length / images, 4);
    private readonly DeviceTensor _classes = DeviceTensor.From<int>(stream, classes, images, classes.Length / images);

    public DetectionTargets On(Tape tape) => new(tape.Input(_boxes), tape.Input(_classes));

    public void Dispose()
    {
        _boxes.Dispose();
        _classes.Dispose();
    }
}
