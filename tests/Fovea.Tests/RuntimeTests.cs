using Fovea.Interop;
using Fovea.Interop.Cuda;
using Xunit;

namespace Fovea.Tests;

public sealed class RuntimeTests
{
    [Fact]
    public void DescriptionNamesLibraryVersionsAndBackends()
    {
        var text = FoveaRuntime.Describe();
        Assert.Contains(NativeLibraryResolver.LoadedPath!, text, StringComparison.Ordinal);
        foreach (var attempt in NativeLibraryResolver.Attempts) Assert.Contains(attempt.Path, text, StringComparison.Ordinal);
        foreach (var word in (string[])["abi", "build", "isa", "threads", "cpu (built in): 1 device(s)"])
            Assert.Contains(word, text, StringComparison.Ordinal);
    }

    [Fact]
    public void DescriptionNamesEveryDeviceTheDriverAndNvrtc()
    {
        var text = FoveaRuntime.Describe();
        Assert.Equal("cpu", Device.Names[0]);
        foreach (var name in Device.Names)
        {
            var info = Device.Open(name).Describe();
            Assert.Contains($"device    {name}: {info.Name}, {info.ComputeUnits} ", text, StringComparison.Ordinal);
            Assert.Contains(info.Detail, text, StringComparison.Ordinal);
        }
        AssertLibrary("driver", CudaLibraries.Driver);
        AssertLibrary("nvrtc", CudaLibraries.Nvrtc);

        void AssertLibrary(string line, CudaLibrary library) =>
            Assert.Contains(line.PadRight(10) + (library.TryLoad(out var failure) ? "CUDA 1" : failure), text, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusedBackendsStayInTheListWithTheirReason()
    {
        var e = Assert.Throws<DeviceException>(() => Device.LoadBackend("/no/such/plugin.so"));
        Assert.Equal(Status.NotFound, e.Status);
        var refused = Device.Backends.Single(b => b.Origin == "/no/such/plugin.so");
        Assert.False(refused.IsUsable);
        Assert.Contains("/no/such/plugin.so", refused.RefusalReason, StringComparison.Ordinal);
        Assert.Contains(refused.RefusalReason!, FoveaRuntime.Describe(), StringComparison.Ordinal);
        var open = Assert.Throws<DeviceException>(() => Device.Open("cuda:0"));
        Assert.Equal(Status.NotFound, open.Status);
    }

    [Fact]
    public void DevicesAreSingletons()
    {
        Assert.Same(Device.Cpu, Device.Open("cpu:0"));
        var info = Device.Cpu.Describe();
        Assert.Equal(DeviceType.Cpu, info.Type);
        Assert.True(info is { MemoryBytes: > 0, ComputeUnits: > 0, Name.Length: > 0 });
    }

    [Fact]
    public void InstructionSetsCanBeForced()
    {
        try
        {
            FoveaRuntime.ForceInstructionSet(InstructionSet.Scalar);
            Assert.Equal(InstructionSet.Scalar, FoveaRuntime.Active);
        }
        finally
        {
            FoveaRuntime.ForceInstructionSet(null);
        }
        Assert.Equal(FoveaRuntime.Detected, FoveaRuntime.Active);
        var e = Assert.Throws<DeviceException>(() => FoveaRuntime.ForceInstructionSet((InstructionSet)9));
        Assert.Equal("isa_force", e.Operation);
    }

    [Fact]
    public void ThreadOptionsRoundTrip()
    {
        var before = FoveaRuntime.Threads;
        try
        {
            FoveaRuntime.Threads = new ThreadPoolOptions { Count = 3, SpinMicroseconds = 7 };
            Assert.Equal((3, 7), (FoveaRuntime.Threads.Count, FoveaRuntime.Threads.SpinMicroseconds));
        }
        finally
        {
            FoveaRuntime.Threads = before;
        }
    }
}
