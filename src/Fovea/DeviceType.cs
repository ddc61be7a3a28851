namespace Fovea;

/// <summary>Kind of device. The numbers are DLPack's.</summary>
public enum DeviceType
{
    /// <summary>The processor.</summary>
    Cpu = 1,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda = 2,

    /// <summary>CUDA kernels run on the processor, for tests.</summary>
    CudaEmulated = 12,
}
