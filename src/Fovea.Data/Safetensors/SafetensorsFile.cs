using Microsoft.Win32.SafeHandles;

namespace Fovea.Data;

/// <summary>A safetensors file that is open for reading. Only the header is in memory; tensors are read where they lie. Safe for any
/// number of threads.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle file, SafetensorsHeader header)
    {
        Path = path;
        _file = file;
        _header = header;
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Tensors;

    /// <summary>Free-form texts of the writer.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header against its size.</summary>
    /// <exception cref="SafetensorsException">The file is not valid.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            var fileLength = RandomAccess.GetLength(file);
            Span<byte> first = stackalloc byte[8];
            var length = SafetensorsHeader.HeaderLength(path, first[..ReadWhole(file, first, 0)], fileLength);
            var json = new byte[length];
            if (ReadWhole(file, json, 8) != length) throw new SafetensorsException(path, "the file became shorter while it was read");
            return new SafetensorsFile(path, file, SafetensorsHeader.Parse(path, json, fileLength - 8 - length));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Copies the bytes of a tensor.</summary>
    /// <param name="name">Its key.</param>
    /// <param name="destination">As many bytes as the tensor has.</param>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public void Read(string name, Span<byte> destination)
    {
        if (!Tensors.TryGetValue(name, out var entry)) throw new KeyNotFoundException($"{Path} has no tensor {name}");
        if (destination.Length != entry.Length) throw new ArgumentException($"{entry} has {entry.Length} bytes, room is for {destination.Length}", nameof(destination));
        if (ReadWhole(_file, destination, _header.DataStart + entry.Offset) != destination.Length)
            throw new SafetensorsException(Path, $"the file became shorter: {entry} is not whole");
    }

    /// <summary>Copies a tensor of f32 elements.</summary>
    public float[] ReadFloats(string name)
    {
        if (!Tensors.TryGetValue(name, out var entry)) throw new KeyNotFoundException($"{Path} has no tensor {name}");
        if (entry.DType != SafetensorsDType.F32) throw new SafetensorsException(Path, $"{entry} is not F32");
        var values = new float[entry.Length / sizeof(float)];
        Read(name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static int ReadWhole(SafeFileHandle file, Span<byte> destination, long offset)
    {
        var read = 0;
        while (read < destination.Length)
        {
            var count = RandomAccess.Read(file, destination[read..], offset + read);
            if (count == 0) break;
            read += count;
        }
        return read;
    }
}
