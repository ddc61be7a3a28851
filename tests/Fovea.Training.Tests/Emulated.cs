namespace Fovea.Training.Tests;

/// <summary>The emulated CUDA device, or the one that FOVEA_TEST_DEVICE names, for tests that skip where it was not built.</summary>
internal static class Emulated
{
    public static DeviceStream StreamOrSkip()
    {
        if (Environment.GetEnvironmentVariable("FOVEA_TEST_DEVICE") is { } name) return Device.Open(name).CreateStream();
        var backend = Device.Backends.FirstOrDefault(b => b.Name == "cuda-emulated");
        Assert.SkipUnless(backend is { RefusalReason: null }, "the emulated CUDA plug-in was not built");
        return Device.CudaEmulated.CreateStream();
    }
}
