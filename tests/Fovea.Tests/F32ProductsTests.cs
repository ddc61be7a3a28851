using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>The way of multiplying goes from the stream's options down to the kernels. How far each is off is tested natively.</summary>
public sealed class F32ProductsTests
{
    private const int Size = 40;

    [Fact]
    public void TheStreamSaysHowKernelsMultiply()
    {
        using var probe = Emulated.StreamOrSkip();
        var exact = Product(probe.Device, F32Products.Exact);
        var errors = new[] { F32Products.Tf32, F32Products.ThreeTf32 }
            .Select(way => Product(probe.Device, way).Zip(exact, (a, b) => Math.Abs(a - b)).Max()).ToArray();
        // Sums of 40 products of at most 1: 40 * 2^-10 is the bound for tf32, and some product is off by more than f32 ever is.
        Assert.InRange(errors[0], 1e-4f, 40f / 1024);
        Assert.InRange(errors[1], float.Epsilon, 40f / (1 << 20));
    }

    [Fact]
    public void TheCpuIsExact()
    {
        var exact = Product(Device.Cpu, F32Products.Exact);
        Assert.Equal(exact, Product(Device.Cpu, F32Products.Tf32));
        Assert.Equal(exact, Product(Device.Cpu, F32Products.ThreeTf32));
    }

    [Fact]
    public void CapturedGraphsKeepTheirWay()
    {
        using var exact = Emulated.StreamOrSkip();
        using var stream = exact.Device.CreateStream(new DeviceStreamOptions { F32Products = F32Products.Tf32 });
        using var a = Matrix(stream, 1);
        using var b = Matrix(stream, 2);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, Size, Size);
        using var capture = stream.BeginCapture();
        Kernels.MatMul(stream, new MatMulOptions(), a, b, y);
        using var graph = capture.End();
        stream.Synchronize();
        graph.Replay(exact);
        exact.Synchronize();
        Assert.Equal(Product(exact.Device, F32Products.Tf32), y.ToArray<float>(stream));
    }

    [Fact]
    public void UnknownWaysAndWrappedStreamsAreRefused()
    {
        var unknown = new DeviceStreamOptions { F32Products = (F32Products)3 };
        var e = Assert.Throws<DeviceException>(() => Device.Cpu.CreateStream(unknown));
        Assert.Equal(Status.InvalidArgument, e.Status);
        Assert.Contains("f32_products is 3", e.Message, StringComparison.Ordinal);
        using var stream = Emulated.StreamOrSkip();
        var rounded = new DeviceStreamOptions { F32Products = F32Products.Tf32 };
        Assert.Throws<ArgumentException>(() => stream.Device.WrapStream(stream.NativeHandle, rounded));
    }

    private static float[] Product(Device device, F32Products way)
    {
        using var stream = device.CreateStream(new DeviceStreamOptions { F32Products = way });
        using var a = Matrix(stream, 1);
        using var b = Matrix(stream, 2);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, Size, Size);
        Kernels.MatMul(stream, new MatMulOptions(), a, b, y);
        return y.ToArray<float>(stream);
    }

    private static DeviceTensor Matrix(DeviceStream stream, int seed)
    {
        var random = new Random(seed);
        var values = Enumerable.Range(0, Size * Size).Select(_ => random.NextSingle()).ToArray();
        return DeviceTensor.From<float>(stream, values, Size, Size);
    }
}
