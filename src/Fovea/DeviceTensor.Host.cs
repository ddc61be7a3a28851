using System.Runtime.CompilerServices;
using Fovea.Interop;

namespace Fovea;

public sealed unsafe partial class DeviceTensor
{
    /// <summary>Copies host values into the tensor, in row-major order, and waits. BFloat16 travels as
    /// <see cref="ushort"/>.</summary>
    /// <exception cref="ArgumentException">The number or the type of the values does not match.</exception>
    /// <exception cref="InvalidOperationException">The stream is capturing.</exception>
    public void CopyFrom<T>(DeviceStream stream, ReadOnlySpan<T> values) where T : unmanaged
    {
        CheckHost<T>(stream, values.Length);
        using (var call = new KernelCall(stream, "memory_copy", this))
            fixed (T* host = values)
                Copy((byte*)host, call, toHost: false);
        stream.Synchronize();
    }

    /// <summary>Copies the elements to the host, in row-major order, and waits.</summary>
    /// <exception cref="ArgumentException">The number or the type of the elements does not match.</exception>
    /// <exception cref="InvalidOperationException">The stream is capturing.</exception>
    public void CopyTo<T>(DeviceStream stream, Span<T> values) where T : unmanaged
    {
        CheckHost<T>(stream, values.Length);
        fixed (T* host = values)
        {
            using (var call = new KernelCall(stream, "memory_copy", this)) Copy((byte*)host, call, toHost: true);
            stream.Synchronize();
        }
    }

    /// <summary>Copies the first rows of the leading dimension, as many as fill <paramref name="values"/> exactly, and waits. Reads the
    /// result of a dynamic batch without making a view.</summary>
    /// <exception cref="ArgumentException">The span is not a whole number of rows, or longer than the tensor.</exception>
    /// <exception cref="InvalidOperationException">The stream is capturing, or the tensor has gaps.</exception>
    public void CopyRowsTo<T>(DeviceStream stream, Span<T> values) where T : unmanaged
    {
        CheckHost<T>(stream);
        long row = Rank == 0 || _native.shape[0] == 0 ? 1 : ElementCount / _native.shape[0];
        if (row == 0 || values.Length % row != 0 || values.Length > ElementCount)
            throw new ArgumentException($"{values.Length} elements are not a number of rows of {this}", nameof(values));
        if (!IsContiguous) throw new InvalidOperationException($"{this} is a slice with pitch {Pitch}");
        fixed (T* host = values)
        {
            using (var call = new KernelCall(stream, "memory_copy", this))
                call.Check(NativeMethods.fovea_memory_copy(host, _native.data, (long)values.Length * DType.Size(), call.Stream));
            stream.Synchronize();
        }
    }

    /// <summary>Enqueues a copy of the buffer's first bytes, in row-major order; does not wait and may be captured. The buffer
    /// must live until the copy, or the graph, is done with it.</summary>
    public void CopyFrom(DeviceStream stream, PinnedBuffer buffer) => CopyPinned(stream, buffer, toHost: false);

    /// <summary>Enqueues a copy of the elements to the buffer's first bytes; does not wait and may be captured.</summary>
    public void CopyTo(DeviceStream stream, PinnedBuffer buffer) => CopyPinned(stream, buffer, toHost: true);

    /// <summary>Copies the elements into a new array and waits.</summary>
    public T[] ToArray<T>(DeviceStream stream) where T : unmanaged
    {
        var values = new T[ElementCount];
        CopyTo<T>(stream, values);
        return values;
    }

    /// <summary>The elements of a contiguous CPU tensor, in place. The span is valid until the tensor, or the graph it belongs
    /// to, is disposed; nothing checks that.</summary>
    /// <exception cref="InvalidOperationException">The tensor is on another device or has gaps.</exception>
    public Span<T> AsSpan<T>() where T : unmanaged
    {
        if (IsDisposed) Throw.TensorDisposed();
        if (Device.Type != DeviceType.Cpu) throw new InvalidOperationException($"a tensor on {Device} has no span; copy it");
        if (!IsContiguous) throw new InvalidOperationException($"{this} is a slice with pitch {Pitch}; copy it");
        CheckType<T>();
        return new Span<T>(_native.data, checked((int)ElementCount));
    }

    /// <summary>Sets every byte of the tensor. May be captured.</summary>
    public void Fill(DeviceStream stream, byte value)
    {
        using var call = new KernelCall(stream, "memory_fill", this);
        var size = DType.Size();
        if (IsContiguous)
        {
            call.Check(NativeMethods.fovea_memory_fill(_native.data, value, ElementCount * size, call.Stream));
            return;
        }
        for (long row = 0; row < RowCount; row++)
            call.Check(NativeMethods.fovea_memory_fill(Offset(row * Pitch), value, RowLength * size, call.Stream));
    }

    private void CopyPinned(DeviceStream stream, PinnedBuffer buffer, bool toHost)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        using var call = new KernelCall(stream, "memory_copy", this);
        var bytes = buffer.GetSpan();
        if (bytes.Length < ElementCount * DType.Size())
            throw new ArgumentException($"{this} needs {ElementCount * DType.Size()} bytes, the buffer has {bytes.Length}",
                nameof(buffer));
        fixed (byte* host = bytes) Copy(host, call, toHost);
    }

    private void Copy(byte* host, in KernelCall call, bool toHost)
    {
        var contiguous = IsContiguous;
        var (rows, length) = contiguous ? (1, ElementCount) : (RowCount, RowLength);
        var bytes = length * DType.Size();
        for (long row = 0; row < rows; row++, host += bytes)
        {
            var device = Offset(row * Pitch);
            call.Check(toHost
                ? NativeMethods.fovea_memory_copy(host, device, bytes, call.Stream)
                : NativeMethods.fovea_memory_copy(device, host, bytes, call.Stream));
        }
    }

    private void CheckHost<T>(DeviceStream stream, int length) where T : unmanaged
    {
        CheckHost<T>(stream);
        if (length != ElementCount)
            throw new ArgumentException($"{this} has {ElementCount} elements, the span has {length}", nameof(length));
    }

    private void CheckHost<T>(DeviceStream stream) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsCapturing) Throw.Capturing("Copying between host and device");
        CheckType<T>();
        if (stream.Device != Device)
            throw new ArgumentException($"the tensor is on {Device}, the stream on {stream.Device}", nameof(stream));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckType<T>() where T : unmanaged
    {
        if (!DType.Holds<T>()) throw new ArgumentException($"elements of {this} are not {typeof(T).Name}");
    }
}
