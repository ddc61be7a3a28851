using System.Runtime.CompilerServices;

namespace Fovea;

/// <summary>One argument of a <see cref="CudaKernel"/>: the address of a tensor's first element, or a value of at most 16 bytes.
/// Tensors and numbers convert by themselves; the type must be exactly the parameter's, so write <c>1f</c> for a
/// <c>float</c>.</summary>
public readonly unsafe struct CudaArgument
{
    /// <summary>Bytes of the largest value: a float4 or double2.</summary>
    public const int LargestValue = 16;

    private readonly (ulong Low, ulong High) _bits;

    private CudaArgument((ulong, ulong) bits, int size, DeviceTensor? tensor)
    {
        _bits = bits;
        Size = size;
        Tensor = tensor;
    }

    /// <summary>Bytes of the argument.</summary>
    public int Size { get; }

    /// <summary>The tensor whose memory is kept while the kernel may use it; null for values.</summary>
    internal DeviceTensor? Tensor { get; }

    /// <summary>The address of the first element; a NULL pointer for null. Shape, pitch and live count are not passed: give the
    /// kernel what it needs of them as further arguments.</summary>
    public static implicit operator CudaArgument(DeviceTensor? tensor) => FromDeviceTensor(tensor);

    /// <summary>An <c>int</c>.</summary>
    public static implicit operator CudaArgument(int value) => Of(value);

    /// <summary>An <c>unsigned int</c>.</summary>
    public static implicit operator CudaArgument(uint value) => Of(value);

    /// <summary>A <c>long long</c>.</summary>
    public static implicit operator CudaArgument(long value) => Of(value);

    /// <summary>An <c>unsigned long long</c>.</summary>
    public static implicit operator CudaArgument(ulong value) => Of(value);

    /// <summary>A <c>float</c>.</summary>
    public static implicit operator CudaArgument(float value) => Of(value);

    /// <summary>A <c>double</c>.</summary>
    public static implicit operator CudaArgument(double value) => Of(value);

    /// <summary>A <c>__half</c>.</summary>
    public static implicit operator CudaArgument(Half value) => Of(value);

    /// <summary>A <c>bool</c>.</summary>
    public static implicit operator CudaArgument(bool value) => Of(value);

    /// <summary>A <c>char</c>, signed or not.</summary>
    public static implicit operator CudaArgument(byte value) => Of(value);

    /// <summary>A pointer.</summary>
    public static implicit operator CudaArgument(nint value) => Of(value);

    /// <summary>As the conversion.</summary>
    public static CudaArgument FromDeviceTensor(DeviceTensor? tensor) =>
        new((tensor is null ? 0 : (ulong)tensor.Data, 0), sizeof(void*), tensor);

    /// <summary>Any value that the kernel takes by value.</summary>
    /// <exception cref="ArgumentException">It has more than 16 bytes.</exception>
    public static CudaArgument Of<T>(T value) where T : unmanaged
    {
        if (sizeof(T) > LargestValue)
            throw new ArgumentException($"{typeof(T).Name} has {sizeof(T)} bytes, arguments have at most {LargestValue}; pass a tensor that holds it",
                nameof(value));
        (ulong, ulong) bits = default;
        Unsafe.As<(ulong, ulong), T>(ref bits) = value;
        return new CudaArgument(bits, sizeof(T), null);
    }

    /// <summary>Lays the values out as cuLaunchKernel wants them: <paramref name="pointers"/>[i] points to argument i, whose value
    /// lies in the i-th 16 bytes of <paramref name="values"/>.</summary>
    internal static void Pack(ReadOnlySpan<CudaArgument> arguments, (ulong, ulong)* values, void** pointers)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            values[i] = arguments[i]._bits;
            pointers[i] = values + i;
        }
    }

    /// <summary>Throws unless the arguments fit a kernel on <paramref name="device"/>. <paramref name="sizes"/> are those of its
    /// parameters; null where the driver is too old to tell.</summary>
    internal static void Check(string kernel, Device device, ReadOnlySpan<int> sizes, bool sizesAreKnown, ReadOnlySpan<CudaArgument> arguments)
    {
        if (sizesAreKnown && arguments.Length != sizes.Length)
            throw new ArgumentException($"kernel {kernel} takes {sizes.Length} arguments, {arguments.Length} were given", nameof(arguments));
        if (arguments.Length > CudaKernel.LargestArgumentCount)
            throw new ArgumentException($"kernel {kernel}: {arguments.Length} arguments were given, at most {CudaKernel.LargestArgumentCount} are possible",
                nameof(arguments));
        var tensors = 0;
        for (var i = 0; i < arguments.Length; i++)
        {
            var tensor = arguments[i].Tensor;
            if (arguments[i].Size == 0) throw new ArgumentException($"kernel {kernel}: argument {i} is empty", nameof(arguments));
            if (sizesAreKnown && arguments[i].Size != sizes[i])
                throw new ArgumentException($"kernel {kernel}: argument {i} has {arguments[i].Size} bytes, the parameter has {sizes[i]}",
                    nameof(arguments));
            if (tensor is null) continue;
            if (tensor.Device != device)
                throw new ArgumentException($"kernel {kernel}: argument {i} is on {tensor.Device}, the stream on {device}", nameof(arguments));
            if (++tensors > KernelCall.LargestLeaseCount)
                throw new ArgumentException($"kernel {kernel}: more than {KernelCall.LargestLeaseCount} arguments are tensors", nameof(arguments));
        }
    }
}
