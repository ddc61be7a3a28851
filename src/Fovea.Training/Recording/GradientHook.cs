namespace Fovea.Training;

/// <summary>Enqueues work on a gradient that is complete.</summary>
public delegate void GradientHook(DeviceStream stream, DeviceTensor gradient);
