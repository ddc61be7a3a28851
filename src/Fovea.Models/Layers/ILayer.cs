namespace Fovea.Models;

/// <summary>One step of a network: enqueues its work and returns a new tensor that the caller owns.</summary>
public interface ILayer : IDisposable
{
    /// <summary>Enqueues the layer on <paramref name="stream"/>. The leading dimension of the result is live where that of
    /// <paramref name="x"/> is.</summary>
    DeviceTensor Forward(DeviceStream stream, DeviceTensor x);
}
