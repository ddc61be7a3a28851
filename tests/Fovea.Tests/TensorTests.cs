using Xunit;

namespace Fovea.Tests;

public sealed class TensorTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void RoundTripsEveryDataType()
    {
        RoundTrip(DType.Float32, 1.5f, -2f);
        RoundTrip(DType.Float16, (Half)1.5f, (Half)(-2f));
        RoundTrip<byte>(DType.UInt8, 3, 255);
        RoundTrip(DType.Int32, -3, int.MaxValue);
        RoundTrip(DType.Int64, -3, long.MaxValue);
        RoundTrip(DType.Bool, true, false);
        using var bf16 = DeviceTensor.Allocate(_stream, DType.BFloat16, 2);
        bf16.CopyFrom<ushort>(_stream, [0x3F80, 0xC000]);
        Assert.Equal([0x3F80, 0xC000], bf16.ToArray<ushort>(_stream));
    }

    [Fact]
    public void ShapesAndScalars()
    {
        using var x = DeviceTensor.Allocate(_stream, DType.Float32, 2, 3, 5);
        Assert.Equal([2, 3, 5], x.Shape);
        Assert.Equal((3, 30, 5, true), (x.Rank, x.ElementCount, x.Pitch, x.IsContiguous));
        Assert.Equal("[2, 3, 5] Float32", x.ToString());
        using var scalar = DeviceTensor.From<int>(_stream, [7]);
        Assert.Equal((0, 1), (scalar.Rank, scalar.ElementCount));
        Assert.Equal(7, scalar.AsSpan<int>()[0]);
        using var empty = DeviceTensor.Allocate(_stream, DType.Float32, 4, 0);
        Assert.Equal(0, empty.ElementCount);
        Assert.Empty(empty.ToArray<float>(_stream));
        Assert.Throws<ArgumentException>(() => DeviceTensor.Allocate(_stream, DType.Float32, 1, 1, 1, 1, 1, 1, 1, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DeviceTensor.Allocate(_stream, DType.Float32, 2, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DeviceTensor.Allocate(_stream, (DType)99, 2));
        Assert.Throws<NotSupportedException>(() => DeviceTensor.From<double>(_stream, [1.0], 1));
    }

    [Fact]
    public void ColumnsAreASliceOfTheLastDimension()
    {
        using var x = DeviceTensor.From<float>(_stream, [0, 1, 2, 3, 4, 5, 6, 7], 2, 4);
        var middle = x.Columns(1, 2);
        Assert.Equal([2, 2], middle.Shape);
        Assert.Equal((4, false, true), (middle.Pitch, middle.IsContiguous, middle.IsView));
        Assert.Equal([1, 2, 5, 6], middle.ToArray<float>(_stream));
        middle.CopyFrom<float>(_stream, [-1, -2, -5, -6]);
        middle.Columns(1, 1).Fill(_stream, 0);
        Assert.Equal([0, -1, 0, 3, 4, -5, 0, 7], x.AsSpan<float>());
        Assert.Throws<InvalidOperationException>(() => middle.AsSpan<float>());
        Assert.Equal([-5, 0], middle.Rows(1, 1).AsSpan<float>()); // one row has no gaps
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Columns(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Columns(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Columns(long.MaxValue, 2));
        Assert.Equal(0, x.Columns(4, 0).ElementCount);
    }

    [Fact]
    public void RowsAreASliceOfTheLeadingDimension()
    {
        using var x = DeviceTensor.From<int>(_stream, Enumerable.Range(0, 24).ToArray(), 4, 3, 2);
        Assert.Equal([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], x.Rows(1, 2).ToArray<int>(_stream));
        Assert.Equal([7, 9, 11], x.Rows(1, 1).Columns(1, 1).ToArray<int>(_stream));
        Assert.Equal([19, 21, 23], x.Columns(1, 1).Rows(3, 1).ToArray<int>(_stream));
        using var line = DeviceTensor.From<int>(_stream, [1, 2, 3], 3);
        Assert.Equal([2, 3], line.Rows(1, 2).ToArray<int>(_stream));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Rows(2, 3));
    }

    [Fact]
    public void ReshapeKeepsElements()
    {
        using var x = DeviceTensor.From<int>(_stream, Enumerable.Range(0, 24).ToArray(), 2, 3, 4);
        Assert.Equal([6, 4], x.Reshape(6, 4).Shape);
        Assert.Equal([2, 12], x.Reshape(2, -1).Shape);
        Assert.Throws<ArgumentException>(() => x.Reshape(5, 5));
        Assert.Throws<ArgumentException>(() => x.Reshape(-1, 5));
        Assert.Throws<ArgumentException>(() => x.Reshape(-1, -1));
        var slice = x.Columns(1, 2);
        Assert.Equal([1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22], slice.Reshape(6, 2).ToArray<int>(_stream));
        Assert.Throws<InvalidOperationException>(() => slice.Reshape(12));
    }

    [Fact]
    public void LiveLimitsTheRowsWhenTheKernelRuns()
    {
        using var x = DeviceTensor.From<float>(_stream, [1, 2, 3, 4], 4, 1);
        using var y = DeviceTensor.From<float>(_stream, [9, 9, 9, 9], 4, 1);
        using var counts = DeviceTensor.From<int>(_stream, [0, 2], 2);
        var live = x.WithLive(counts, 1);
        Kernels.Activate(_stream, Activation.Relu, live, null, y);
        Assert.Equal([1, 2, 9, 9], y.AsSpan<float>());
        counts.CopyFrom<int>(_stream, [0, 3]);
        Kernels.Activate(_stream, Activation.Relu, live.Columns(0, 1), null, y);
        Assert.Equal([1, 2, 3, 9], y.AsSpan<float>());
        Assert.Throws<ArgumentException>(() => x.WithLive(y));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.WithLive(counts, 2));
        Assert.Throws<InvalidOperationException>(() => live.Rows(0, 1));
        Assert.Throws<InvalidOperationException>(() => live.Reshape(2, 2));
        counts.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Kernels.Activate(_stream, Activation.Relu, live, null, y));
    }

    [Fact]
    public void WrongTypesAndLengthsAreNamed()
    {
        using var x = DeviceTensor.Allocate(_stream, DType.Float32, 2);
        Assert.Contains("[2] Float32", Assert.Throws<ArgumentException>(() => x.CopyFrom<int>(_stream, [1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("2 elements", Assert.Throws<ArgumentException>(() => x.CopyFrom<float>(_stream, [1f])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => x.AsSpan<byte>());
        Assert.Throws<ArgumentNullException>(() => x.CopyFrom<float>(null!, [1, 2]));
    }

    [Fact]
    public void WrongShapesGiveTheNativeMessage()
    {
        using var x = DeviceTensor.Allocate(_stream, DType.Float32, 2, 3);
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 2, 4);
        using var bytes = DeviceTensor.Allocate(_stream, DType.UInt8, 2, 3);
        var e = Assert.Throws<DeviceException>(() => Kernels.Activate(_stream, Activation.Relu, x, null, y));
        Assert.Equal((Status.InvalidArgument, "activate"), (e.Status, e.Operation));
        Assert.Equal("activate: x is [2, 3] f32 but y is [2, 4] f32", e.Message);
        e = Assert.Throws<DeviceException>(() => Kernels.Activate(_stream, Activation.Relu, x, null, bytes));
        Assert.Equal("activate: y must be f32, it is [2, 3] u8", e.Message);
        e = Assert.Throws<DeviceException>(() => Kernels.Activate(_stream, Activation.PRelu, x, null, x));
        Assert.Contains("PReLU needs a slope", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<DeviceException>(() => Kernels.Activate(_stream, Activation.Relu, null!, null, y));
        Assert.Equal("activate: x is NULL", e.Message);
        Assert.Throws<ArgumentNullException>(() => Kernels.Activate(null!, Activation.Relu, x, null, x));
    }

    private void RoundTrip<T>(DType dtype, T a, T b) where T : unmanaged
    {
        using var x = DeviceTensor.From<T>(_stream, [a, b, a], 3);
        Assert.Equal(dtype, x.DType);
        Assert.Equal([a, b, a], x.ToArray<T>(_stream));
        Assert.Equal([a, b, a], x.AsSpan<T>().ToArray());
    }
}
