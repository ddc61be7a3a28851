using System.Runtime.InteropServices;
using Fovea.Interop.Cuda;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests.Cuda;

/// <summary>Own kernels against a driver that runs nothing but keeps the rules. The bindings find one driver per process, so these
/// run in a process of their own, started by <see cref="CudaModuleTests"/>.</summary>
public sealed unsafe class FakeDriverTests : IDisposable
{
    public const string FileName = "fake_cuda_driver.so";

    private readonly CudaImage _image = new(".version 8.0"u8);
    private readonly DeviceStream _stream;
    private readonly State* _now;

    public FakeDriverTests()
    {
        var path = Environment.GetEnvironmentVariable(CudaLibraries.DriverPathVariable);
        Assert.SkipUnless(path is not null && Path.GetFileName(path) == FileName, "runs in a process of its own, with the fake driver");
        _stream = Emulated.StreamOrSkip();
        _now = ((delegate* unmanaged[Cdecl]<State*>)NativeLibrary.GetExport(NativeLibrary.Load(path), "fake_state"))();
    }

    public void Dispose()
    {
        if (_now == null) return;
        _stream.Dispose();
        Assert.Equal((0, 0, 0), (_now->Modules, _now->Contexts, _now->Depth));
    }

    [Fact]
    public void TheDriverIsTheFakeOne()
    {
        Assert.True(CudaLibraries.Driver.TryLoad(out _));
        Assert.Equal("12.8", CudaLibraries.VersionText(CudaLibraries.DriverVersion()));
        Assert.Contains("driver    CUDA 12.8", FoveaRuntime.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void ALaunchCarriesShapeStreamAndArguments()
    {
        using var module = CudaModule.LoadUnchecked(_stream.Device, _image);
        var kernel = module.GetKernel("saxpy");
        Assert.Equal([8, 8, 4, 4], kernel.ParameterSizes);
        Assert.Equal((512, 14, 11, 13), (kernel.MaxThreadsPerBlock, kernel.RegisterCount, kernel.StaticSharedBytes, kernel.LocalBytes));
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 1000);
        var x = y.Columns(250, 500);
        var before = _now->Launches;
        kernel.Launch(_stream, CudaLaunch.For(1000, 128) with { SharedBytes = 64 }, y, x, 1.5f, -2);
        Assert.Equal(before + 1, _now->Launches);
        Assert.Equal([8u, 1, 1, 128, 1, 1, 0, 0, 0, 64], Shape());
        Assert.Equal(_stream.NativeHandle, _now->Stream);
        Assert.Equal(_now->A0 + 1000, _now->A1);
        Assert.Equal((BitConverter.SingleToUInt32Bits(1.5f), 0xFFFFFFFEul), (_now->A2, _now->A3));
        kernel.Launch(_stream, new CudaLaunch(new CudaDim(4, 2), new CudaDim(8, 8, 2)) { Cluster = new CudaDim(2, 2) }, y, (DeviceTensor?)null, 0f, 0);
        Assert.Equal([4u, 2, 1, 8, 8, 2, 2, 2, 1, 0], Shape());
        Assert.Equal(0ul, _now->A1);
    }

    [Fact]
    public void LaunchesMakeNoGarbage()
    {
        using var module = CudaModule.LoadUnchecked(_stream.Device, _image);
        var kernel = module.GetKernel("saxpy");
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 1000);
        Assert.Equal(0, Garbage.Of(() => kernel.Launch(_stream, CudaLaunch.For(1000), y, y, 1f, 1000)));
    }

    [Fact]
    public void MoreSharedMemoryIsAskedForOnce()
    {
        using var module = CudaModule.LoadUnchecked(_stream.Device, _image);
        var kernel = module.GetKernel("saxpy");
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 8);
        kernel.Launch(_stream, new CudaLaunch(1, 32, 100 << 10), y, y, 1f, 8);
        Assert.Equal(100u << 10, Shape()[9]);
        var e = Assert.Throws<DeviceException>(() => kernel.Launch(_stream, new CudaLaunch(1, 32, 300 << 10), y, y, 1f, 8));
        Assert.Equal((Status.InvalidArgument, "cuFuncSetAttribute"), (e.Status, e.Operation));
    }

    [Fact]
    public void AGraphKeepsTheModuleAndTheTensors()
    {
        var module = CudaModule.LoadUnchecked(_stream.Device, _image);
        var kernel = module.GetKernel("saxpy");
        var y = DeviceTensor.Allocate(_stream, DType.Float32, 8);
        using var capture = _stream.BeginCapture();
        kernel.Launch(_stream, new CudaLaunch(1, 32), y, y, 1f, 8);
        var graph = capture.End();
        module.Dispose();
        y.Dispose();
        Assert.Equal((1, 1), (_now->Modules, _stream.Pool.Statistics.LiveLeases));
        Assert.Throws<ObjectDisposedException>(() => module.GetKernel("saxpy"));
        Assert.Throws<ObjectDisposedException>(() => kernel.Launch(_stream, new CudaLaunch(1, 32), null!, null!, 1f, 8));
        graph.Dispose();
        Assert.Equal((0, 0, 0), (_now->Modules, _now->Contexts, _stream.Pool.Statistics.LiveLeases));
    }

    [Fact]
    public void RefusalsNameTheCulprit()
    {
        using var module = CudaModule.LoadUnchecked(_stream.Device, _image);
        var missing = Assert.Throws<DeviceException>(() => module.GetKernel("gemm"));
        Assert.Equal(Status.NotFound, missing.Status);
        Assert.Contains("no kernel 'gemm'; a kernel that is not extern \"C\" must be named", missing.Message, StringComparison.Ordinal);
        var broken = Assert.Throws<DeviceException>(() => CudaModule.LoadUnchecked(_stream.Device, new CudaImage(".version nonsense"u8)));
        Assert.Equal(Status.InvalidArgument, broken.Status);
        Assert.Equal("cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (as the fake says):\nptxas: line 3: Parsing error near 'nonsense'", broken.Message);

        var kernel = module.GetKernel("saxpy");
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 8);
        var launch = new CudaLaunch(1, 32);
        AssertArgument("saxpy takes 4 arguments, 3 were given", () => kernel.Launch(_stream, launch, y, y, 1f));
        AssertArgument("argument 2 has 8 bytes, the parameter has 4", () => kernel.Launch(_stream, launch, y, y, 1.0, 8));
        AssertArgument("argument 3 is empty", () => kernel.Launch(_stream, launch, y, y, 1f, default));
        AssertArgument("1024 threads, the kernel's registers and attributes allow 512", () => kernel.Launch(_stream, new CudaLaunch(1, 1024), y, y, 1f, 8));
        using var cpu = Device.Cpu.CreateStream();
        using var host = DeviceTensor.Allocate(cpu, DType.Float32, 8);
        AssertArgument("argument 1 is on cpu", () => kernel.Launch(_stream, launch, y, host, 1f, 8));
        AssertArgument("the stream on cpu", () => kernel.Launch(cpu, launch, y, y, 1f, 8));
        var refused = Assert.Throws<DeviceException>(() => kernel.Launch(_stream, new CudaLaunch(7, 32), y, y, 1f, 8));
        Assert.Equal("cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (too many resources requested for launch)", refused.Message);
        var gone = DeviceTensor.Allocate(_stream, DType.Float32, 8);
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kernel.Launch(_stream, launch, y, gone, 1f, 8));
        kernel.Launch(_stream, launch, y, y, 1f, 8); // the refusals left everything usable
        Assert.Equal(1, _stream.Pool.Statistics.LiveLeases);
    }

    // Grid, block, cluster, shared memory.
    private uint[] Shape() => new ReadOnlySpan<uint>(_now->Shape, 10).ToArray();

    private static void AssertArgument(string message, Action launch) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(launch).Message, StringComparison.Ordinal);

    // Mirrors the fake's struct, which the fake alone writes.
#pragma warning disable CS0649
    private struct State
    {
        public int Modules, Contexts, Depth, Launches;
        public fixed uint Shape[10];
        public nint Stream;
        public ulong A0, A1, A2, A3;
    }
#pragma warning restore CS0649
}
