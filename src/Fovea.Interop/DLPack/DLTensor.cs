namespace Fovea.Interop.DLPack;

/// <summary>DLPack's view of memory.</summary>
public unsafe struct DLTensor
{
    /// <summary>Start of the allocation; the first element is <see cref="byte_offset"/> behind it.</summary>
    public void* data;

    /// <summary>Where the memory is.</summary>
    public DLDevice device;

    /// <summary>Number of dimensions.</summary>
    public int ndim;

    /// <summary>Type of the elements; the codes are those of <c>fovea_dtype_code</c>.</summary>
    public fovea_dtype dtype;

    /// <summary><see cref="ndim"/> sizes.</summary>
    public long* shape;

    /// <summary><see cref="ndim"/> strides in elements; null for row-major without gaps.</summary>
    public long* strides;

    /// <summary>Bytes from <see cref="data"/> to the first element.</summary>
    public ulong byte_offset;
}
