using Xunit;

namespace Fovea.Tests.Support;

/// <summary>The emulated CUDA device, or the one that FOVEA_TEST_DEVICE names, for tests that skip where it was not built or lacks a
/// kernel.</summary>
internal static class Emulated
{
    /// <summary>A stream of the device, or the test skips.</summary>
    public static DeviceStream StreamOrSkip()
    {
        if (Environment.GetEnvironmentVariable("FOVEA_TEST_DEVICE") is { } name) return Device.Open(name).CreateStream();
        var backend = Device.Backends.FirstOrDefault(b => b.Name == "cuda-emulated");
        Assert.SkipUnless(backend is { RefusalReason: null }, "the emulated CUDA plug-in was not built");
        return Device.CudaEmulated.CreateStream();
    }

    /// <summary>The result of <paramref name="call"/>; skips the test when the backend has no kernel for it.</summary>
    public static T SupportedOrSkip<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (DeviceException e) when (e.Status == Status.Unsupported)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
