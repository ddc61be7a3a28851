namespace Fovea;

/// <summary>Description of a device.</summary>
/// <param name="Type">Kind of device.</param>
/// <param name="Id">Index among the devices of its kind.</param>
/// <param name="Name">Marketing name.</param>
/// <param name="Detail">CPU: active instruction set. CUDA: compute capability and driver.</param>
/// <param name="MemoryBytes">Physical memory.</param>
/// <param name="ComputeUnits">CPU: logical processors. CUDA: multiprocessors.</param>
public sealed record DeviceInfo(DeviceType Type, int Id, string Name, string Detail, long MemoryBytes, int ComputeUnits);
