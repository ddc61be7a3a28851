using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Fovea.Data;

/// <summary>An RWKV model file of rwkv.cpp (versions 100 and 101, FP32 and FP16) that is open for reading: a header of six 32-bit numbers,
/// then tensors one behind the other until the end. Only the table of tensors is in memory. Files are not trusted: every size is checked
/// against what is left of the file before it is used. Safe for any number of threads.</summary>
/// <remarks>Source: docs/FILE_FORMAT.md of rwkv.cpp.</remarks>
public sealed class RwkvFile : IDisposable
{
    private const uint Magic = 0x67676d66;
    private const int HeaderBytes = 24, TensorHeaderBytes = 12, MostDimensions = 3, LongestName = 256;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, RwkvTensor> _tensors = new(StringComparer.Ordinal);

    private RwkvFile(string path, SafeFileHandle file)
    {
        Path = path;
        _file = file;
        var length = RandomAccess.GetLength(file);
        Span<byte> header = stackalloc byte[HeaderBytes];
        Read(header, 0, length, "the header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic) throw Bad("it does not begin as an RWKV model file");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (version is < 100 or > 101) throw Bad($"version {version} is not known");
        Vocabulary = Size(header[8..], "vocabulary");
        Width = Size(header[12..], "width");
        Layers = Size(header[16..], "number of layers");
        for (long at = HeaderBytes; at < length;) at = ReadTensor(at, length);
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Number of tokens, as the header says.</summary>
    public int Vocabulary { get; }

    /// <summary>Channels of an embedding, as the header says.</summary>
    public int Width { get; }

    /// <summary>Number of blocks, as the header says.</summary>
    public int Layers { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, RwkvTensor> Tensors => _tensors;

    /// <summary>Opens a file and reads its table of tensors.</summary>
    /// <exception cref="RwkvFileException">The file is not valid.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static RwkvFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            return new RwkvFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="RwkvFileException">There is none.</exception>
    public RwkvTensor Find(string name) => _tensors.GetValueOrDefault(name) ?? throw Bad($"it has no tensor {name}");

    /// <summary>The values of a tensor, which must have this many; FP16 is widened, which is exact.</summary>
    /// <exception cref="RwkvFileException">There is no such tensor, or its size is another.</exception>
    public float[] ReadFloats(string name, long count)
    {
        var tensor = Find(name);
        if (tensor.ElementCount != count) throw Bad($"{tensor} should have {count} elements");
        var values = new float[count];
        if (tensor.DType == DType.Float32)
        {
            Read(MemoryMarshal.AsBytes(values.AsSpan()), tensor.Offset, long.MaxValue, name);
            return values;
        }
        var halves = new Half[count];
        Read(MemoryMarshal.AsBytes(halves.AsSpan()), tensor.Offset, long.MaxValue, name);
        for (var i = 0; i < values.Length; i++) values[i] = (float)halves[i];
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>An exception that names this file.</summary>
    public RwkvFileException Bad(string message) => new(Path, message);

    // Gives where the next one begins.
    private long ReadTensor(long at, long end)
    {
        var where = $"the tensor at byte {at}";
        Span<byte> header = stackalloc byte[TensorHeaderBytes + 4 * MostDimensions];
        Read(header[..TensorHeaderBytes], at, end, where);
        var dimensions = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var nameLength = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        var type = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (dimensions is 0 or > MostDimensions) throw Bad($"{where} has {dimensions} dimensions");
        if (nameLength is 0 or > LongestName) throw Bad($"{where} has a name of {nameLength} bytes");
        at += TensorHeaderBytes;
        var sizes = header.Slice(TensorHeaderBytes, 4 * (int)dimensions);
        Read(sizes, at, end, where);
        at += sizes.Length;
        Span<byte> nameBytes = stackalloc byte[LongestName];
        nameBytes = nameBytes[..(int)nameLength];
        Read(nameBytes, at, end, where);
        at += nameBytes.Length;
        var name = Encoding.UTF8.GetString(nameBytes);
        if (type > 1) throw Bad($"{name} has data of type {type}: only FP32 and FP16 can be read");

        var elementSize = type == 0 ? 4 : 2;
        var shape = new long[dimensions];
        var most = (end - at) / elementSize;
        var count = 1L;
        for (var i = 0; i < shape.Length; i++)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(sizes[(4 * i)..]);
            if (size == 0 || size > most / count) throw Bad($"{name} does not fit into the file");
            count *= size;
            shape[^(i + 1)] = size;
        }
        var tensor = new RwkvTensor(name, type == 0 ? DType.Float32 : DType.Float16, shape, at);
        if (!_tensors.TryAdd(name, tensor)) throw Bad($"it has two tensors {name}");
        return at + count * elementSize;
    }

    private void Read(Span<byte> destination, long at, long end, string what)
    {
        if (end - at < destination.Length) throw Bad($"the file ends within {what}");
        for (var read = 0; read < destination.Length;)
        {
            var count = RandomAccess.Read(_file, destination[read..], at + read);
            if (count == 0) throw Bad($"the file ends within {what}");
            read += count;
        }
    }

    private int Size(ReadOnlySpan<byte> bytes, string name)
    {
        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        // What no memory holds is refused before anything is made of it.
        return size is > 0 and <= 1 << 24 ? size : throw Bad($"the {name} is {size}");
    }
}
