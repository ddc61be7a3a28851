using Fovea.Interop;
using Fovea.Interop.DLPack;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests.Interop;

/// <summary>Tensors out to other libraries and in from them, on the CPU and on the emulated device.</summary>
public sealed unsafe class DLPackTests
{
    public static TheoryData<bool, bool> DevicesAndForms => new() { { false, true }, { false, false }, { true, true }, { true, false } };

    [Fact]
    public void StructsHaveTheLayoutOfTheHeader()
    {
        // dlpack.h on a 64-bit machine: natural alignment, no packing.
        Assert.Equal((8, 48, 64, 80, 8), (sizeof(DLDevice), sizeof(DLTensor), sizeof(DLManagedTensor), sizeof(DLManagedTensorVersioned), sizeof(DLPackVersion)));
        DLTensor tensor;
        Assert.Equal((8, 16, 20, 24, 32, 40), (Offset(&tensor, &tensor.device), Offset(&tensor, &tensor.ndim), Offset(&tensor, &tensor.dtype),
            Offset(&tensor, &tensor.shape), Offset(&tensor, &tensor.strides), Offset(&tensor, &tensor.byte_offset)));
        DLManagedTensorVersioned managed;
        Assert.Equal((8, 16, 24, 32), (Offset(&managed, &managed.manager_ctx), Offset(&managed, &managed.deleter),
            Offset(&managed, &managed.flags), Offset(&managed, &managed.dl_tensor)));
    }

    [Theory]
    [MemberData(nameof(DevicesAndForms))]
    public void RoundTripSharesTheMemory(bool emulated, bool versioned)
    {
        using var stream = StreamOf(emulated);
        using var x = DeviceTensor.From<float>(stream, [1, 2, 3, 4, 5, 6], 2, 3);
        using (var y = DeviceTensor.FromDLPack(stream.Device, x.ToDLPack(stream, versioned)))
        {
            Assert.Equal((x.ToString(), 3L, false), (y.ToString(), y.Pitch, y.IsView));
            Assert.Equal([1, 2, 3, 4, 5, 6], y.ToArray<float>(stream));
            y.CopyFrom<float>(stream, [6, 5, 4, 3, 2, 1]);
        }
        Assert.Equal([6, 5, 4, 3, 2, 1], x.ToArray<float>(stream));
    }

    [Theory]
    [MemberData(nameof(DevicesAndForms))]
    public void ASliceKeepsItsPitch(bool emulated, bool versioned)
    {
        using var stream = StreamOf(emulated);
        using var x = DeviceTensor.From<int>(stream, Enumerable.Range(0, 24).ToArray(), 2, 3, 4);
        var handle = x.Columns(1, 2).ToDLPack(stream, versioned);
        var tensor = versioned ? ((DLManagedTensorVersioned*)handle.DangerousGetHandle())->dl_tensor : ((DLManagedTensor*)handle.DangerousGetHandle())->dl_tensor;
        Assert.Equal([2, 3, 2], new ReadOnlySpan<long>(tensor.shape, 3));
        Assert.Equal([12, 4, 1], new ReadOnlySpan<long>(tensor.strides, 3));
        using var y = DeviceTensor.FromDLPack(stream.Device, handle);
        Assert.Equal((4L, false), (y.Pitch, y.IsContiguous));
        Assert.Equal([1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22], y.ToArray<int>(stream));
    }

    [Fact]
    public void EveryDataTypeAndRankGoesOutAndComesBack()
    {
        using var stream = Device.Cpu.CreateStream();
        foreach (var dtype in Enum.GetValues<DType>())
            for (var rank = 0; rank <= NativeMethods.FOVEA_MAX_RANK; rank++)
            {
                using var x = DeviceTensor.Allocate(stream, dtype, Enumerable.Range(1, rank).Select(i => (long)i).ToArray());
                using var y = DeviceTensor.FromDLPack(Device.Cpu, x.ToDLPack(stream));
                Assert.Equal(x.ToString(), y.ToString());
            }
        using var empty = DeviceTensor.Allocate(stream, DType.Float32, 3, 0);
        using var back = DeviceTensor.FromDLPack(Device.Cpu, empty.ToDLPack(stream));
        Assert.Equal([3, 0], back.Shape);
    }

    [Theory]
    [MemberData(nameof(DevicesAndForms))]
    public void TheMemoryGoesBackWhenBothSidesAreDone(bool emulated, bool versioned)
    {
        using var stream = StreamOf(emulated);
        var x = DeviceTensor.From<float>(stream, [1, 2], 2);
        var handle = x.ToDLPack(stream, versioned);
        x.Dispose();
        Assert.Equal(1, stream.Pool.Statistics.LiveLeases);
        var y = DeviceTensor.FromDLPack(stream.Device, handle);
        Assert.True(handle.IsClosed);
        handle.Dispose(); // gives nothing back a second time
        Assert.Equal([1, 2], y.ToArray<float>(stream));
        y.Dispose();
        y.Dispose();
        Assert.Equal((0, 0L), (stream.Pool.Statistics.LiveLeases, stream.Pool.Statistics.InUseBytes));
        Assert.Throws<ObjectDisposedException>(() => y.ToArray<float>(stream));
        Assert.Throws<ObjectDisposedException>(() => x.ToDLPack(stream));
        Assert.Throws<ObjectDisposedException>(() => DeviceTensor.FromDLPack(stream.Device, handle));
    }

    [Fact]
    public void AnExportThatNobodyTookIsGivenBack()
    {
        using var stream = Device.Cpu.CreateStream();
        var x = DeviceTensor.Allocate(stream, DType.Float32, 2);
        using (x.ToDLPack(stream)) x.Dispose();
        Assert.Equal(0, stream.Pool.Statistics.LiveLeases);
        var detached = DeviceTensor.Allocate(stream, DType.Float32, 2);
        var handle = detached.ToDLPack(stream);
        var managed = (DLManagedTensorVersioned*)handle.Detach();
        Assert.Throws<ObjectDisposedException>(() => handle.Detach());
        detached.Dispose();
        stream.Dispose();
        managed->deleter(managed); // after the stream and its pool
        Assert.Equal((0, 0L), (stream.Pool.Statistics.LiveLeases, stream.Pool.Statistics.ReservedBytes));
    }

    [Fact]
    public void WhatDLPackCannotSayIsRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.Allocate(stream, DType.Float32, 4, 1);
        using var count = DeviceTensor.From<int>(stream, [2], 1);
        Assert.Contains("live", Assert.Throws<InvalidOperationException>(() => x.WithLive(count).ToDLPack(stream)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => x.ToDLPack(null!));
        using var elsewhere = Emulated.StreamOrSkip();
        Assert.Throws<ArgumentException>(() => x.ToDLPack(elsewhere));
        using var handle = x.ToDLPack(stream);
        var e = Assert.Throws<ArgumentException>(() => DeviceTensor.FromDLPack(elsewhere.Device, handle));
        Assert.Contains("it is on cpu:0, not on ", e.Message, StringComparison.Ordinal);
        Assert.False(handle.IsClosed); // still the caller's
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheDeleterIsCalledOnceByWhoeverUsesTheTensorLast(bool versioned)
    {
        using var stream = Device.Cpu.CreateStream();
        fixed (float* data = new float[] { -1, 2, -3, 4 })
        {
            using var foreign = new ForeignTensor(DeviceType.Cpu, 0, data, [2, 2], []);
            var x = DeviceTensor.FromDLPack(Device.Cpu, foreign.Handle(versioned));
            using var capture = stream.BeginCapture();
            Kernels.Activate(stream, Activation.Relu, x, null, x);
            var graph = capture.End();
            x.Dispose();
            x.Dispose();
            Assert.Equal(0, foreign.Deleted); // the graph still writes there
            graph.Replay(stream);
            Assert.Equal([0, 2, 0, 4], new ReadOnlySpan<float>(data, 4));
            graph.Dispose();
            Assert.Equal(1, foreign.Deleted);
        }
    }

    [Fact]
    public void AMissingDeleterIsFine()
    {
        fixed (float* data = new float[2])
        {
            using var foreign = new ForeignTensor(DeviceType.Cpu, 0, data, [2], []);
            foreign.Versioned->deleter = null;
            DeviceTensor.FromDLPack(Device.Cpu, foreign.Handle()).Dispose();
            Assert.Equal(0, foreign.Deleted);
        }
    }

    [Fact]
    public void OffsetsAndStridesOfDimensionsOfOne()
    {
        using var stream = Device.Cpu.CreateStream();
        fixed (float* data = new float[] { 0, 1, 2, 3, 4, 5, 6, 7 })
        {
            using var foreign = new ForeignTensor(DeviceType.Cpu, 0, data, [1, 2, 1, 2], [-7, 4, 99, 1]);
            foreign.Versioned->dl_tensor.byte_offset = 4;
            using var x = DeviceTensor.FromDLPack(Device.Cpu, foreign.Handle());
            Assert.Equal(4, x.Pitch);
            Assert.Equal([1, 2, 5, 6], x.ToArray<float>(stream));
            using var column = new ForeignTensor(DeviceType.Cpu, 0, data, [4, 1], [2, 55]);
            using var y = DeviceTensor.FromDLPack(Device.Cpu, column.Handle());
            Assert.Equal([0, 2, 4, 6], y.ToArray<float>(stream));
            using var hole = new ForeignTensor(DeviceType.Cpu, 0, null, [4, 0], [-1, -1]);
            using var nothing = DeviceTensor.FromDLPack(Device.Cpu, hole.Handle());
            Assert.Equal(0, nothing.ElementCount);
        }
    }

    [Fact]
    public void BadTensorsAreRefusedAndStayTheirOwners()
    {
        AssertRefused(t => t->version.major = 2, "version 2.3, understood is 1.x");
        AssertRefused(t => t->flags = DLManagedTensorVersioned.ReadOnly, "read-only");
        AssertRefused(t => t->dl_tensor.device.device_type = 2, "it is on cuda:0, not on cpu");
        AssertRefused(t => t->dl_tensor.device.device_type = 3, "pinned host memory");
        AssertRefused(t => t->dl_tensor.device.device_type = -1, "device type -1");
        AssertRefused(t => t->dl_tensor.device.device_id = 1, "it is on cpu:1");
        AssertRefused(t => t->dl_tensor.dtype.bits = 64, "code 2, 64 bits and 1 lanes; known are Float32 (2, 32, 1)");
        AssertRefused(t => t->dl_tensor.dtype.lanes = 4, "4 lanes");
        AssertRefused(t => t->dl_tensor.dtype.code = 5, "code 5");
        AssertRefused(t => t->dl_tensor.ndim = 9, "9 dimensions");
        AssertRefused(t => t->dl_tensor.ndim = -1, "-1 dimensions");
        AssertRefused(t => t->dl_tensor.shape = null, "shape is NULL");
        AssertRefused(t => t->dl_tensor.shape[1] = -2, "dimension 1 has size -2");
        AssertRefused(t => t->dl_tensor.data = null, "NULL");
        AssertRefused(t => t->dl_tensor.byte_offset = 2, "is not a multiple of 4");
        AssertRefused(t => t->dl_tensor.byte_offset = ulong.MaxValue - 2, "leaves the address space");
        AssertRefused(t => t->dl_tensor.strides[2] = 2, "that of the last dimension must be 1");
        AssertRefused(t => t->dl_tensor.strides[1] = 1, "overlap"); // rows of two
        AssertRefused(t => t->dl_tensor.strides[1] = 0, "overlap"); // broadcast
        AssertRefused(t => t->dl_tensor.strides[1] = -2, "overlap"); // reversed
        AssertRefused(t => t->dl_tensor.strides[0] = 7, "shape [2, 3, 2] has strides [7, 2, 1]: dimension 0 is not row-major");
        AssertRefused(t => t->dl_tensor.strides[0] = long.MinValue, "not row-major");
        AssertRefused(t => { t->dl_tensor.shape[0] = long.MaxValue; t->dl_tensor.strides = null; }, "2^63");
        AssertRefused(t => { t->dl_tensor.shape[0] = 1L << 60; t->dl_tensor.strides = null; }, "larger than any memory");
        AssertRefused(t => { t->dl_tensor.strides[1] = long.MaxValue; t->dl_tensor.shape[0] = 1; }, "larger than any memory");
        AssertRefused(t => { t->dl_tensor.strides[1] = 1L << 62; t->dl_tensor.strides[0] = long.MinValue; }, "not row-major");
        Assert.Throws<ArgumentNullException>(() => DeviceTensor.FromDLPack(Device.Cpu, null!));
        using var none = new DLPackHandle(0, isVersioned: true);
        Assert.Contains("NULL", Assert.Throws<ArgumentException>(() => DeviceTensor.FromDLPack(Device.Cpu, none)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WrapTakesMemoryWithoutOwningIt(bool emulated)
    {
        using var stream = StreamOf(emulated);
        using var owner = DeviceTensor.From<float>(stream, [0, 1, 2, 3, 4, 5], 6);
        nint address;
        using (var handle = owner.ToDLPack(stream)) address = (nint)((DLManagedTensorVersioned*)handle.DangerousGetHandle())->dl_tensor.data;
        using (var x = DeviceTensor.Wrap(stream.Device, address, DType.Float32, [2, 2], pitch: 3))
        {
            Assert.Equal([0, 1, 3, 4], x.ToArray<float>(stream));
            x.Fill(stream, 0);
        }
        Assert.Equal([0, 0, 2, 0, 0, 5], owner.ToArray<float>(stream));
        Assert.Equal(1, stream.Pool.Statistics.LiveLeases);
        foreach (var (data, shape, pitch, message) in (ReadOnlySpan<(nint, long[], long?, string)>)
                 [(0, [1], null, "NULL"), (address + 1, [1], null, "not a multiple of 4"), (address, [2, 3], 2, "pitch 2 is less than 3"),
                  (address, [1L << 61], null, "larger than any memory"), (address, [2, 1], long.MaxValue, "larger than any memory")])
        {
            var e = Assert.Throws<ArgumentException>(() => DeviceTensor.Wrap(stream.Device, data, DType.Float32, shape, pitch));
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentNullException>(() => DeviceTensor.Wrap(null!, address, DType.Float32, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DeviceTensor.Wrap(stream.Device, address, (DType)77, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DeviceTensor.Wrap(stream.Device, address, DType.Float32, [-1]));
    }

    private static void AssertRefused(Spoil spoil, string message)
    {
        fixed (float* data = new float[12])
        {
            using var foreign = new ForeignTensor(DeviceType.Cpu, 0, data, [2, 3, 2], [6, 2, 1]);
            spoil(foreign.Versioned);
            var handle = foreign.Handle();
            var e = Assert.Throws<ArgumentException>(() => DeviceTensor.FromDLPack(Device.Cpu, handle));
            Assert.StartsWith("DLPack: the tensor cannot be taken over: ", e.Message, StringComparison.Ordinal);
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
            Assert.Equal(0, foreign.Deleted);
            handle.Dispose();
            Assert.Equal(1, foreign.Deleted);
        }
    }

    private static DeviceStream StreamOf(bool emulated) => emulated ? Emulated.StreamOrSkip() : Device.Cpu.CreateStream();

    private static int Offset(void* start, void* field) => (int)((byte*)field - (byte*)start);

    private delegate void Spoil(DLManagedTensorVersioned* tensor);
}
