namespace Fovea.Models;

/// <summary>Layers one after another. Each intermediate is freed as soon as the next layer is enqueued, so that in a captured
/// graph buffers overlap by liveness.</summary>
public sealed class Sequential(params ILayer[] layers) : ILayer
{
    /// <inheritdoc/>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var current = layers[0].Forward(stream, x);
        for (int i = 1; i < layers.Length; i++)
        {
            using var previous = current;
            current = layers[i].Forward(stream, previous);
        }

        return current;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in layers) layer.Dispose();
    }
}
