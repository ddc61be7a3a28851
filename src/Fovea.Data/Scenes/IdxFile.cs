using System.Buffers.Binary;
using System.IO.Compression;

namespace Fovea.Data;

/// <summary>An array of bytes in the idx format of MNIST and its successors: 0, 0, 8 (unsigned bytes), number of dimensions, each dimension
/// as a big-endian 32-bit number, then the elements; as it is or in gzip.</summary>
public sealed class IdxFile
{
    private const int MaxDimensions = 8;
    private const long MostDeflated = 1032; // bytes that one byte of deflate can stand for, at most

    private IdxFile(int[] shape, byte[] elements) => (Shape, Elements) = (shape, elements);

    /// <summary>The dimensions, the slowest first.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The elements.</summary>
    public ReadOnlyMemory<byte> Elements { get; }

    /// <summary>Reads a file.</summary>
    /// <inheritdoc cref="Parse(byte[], string)" path="/exception"/>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static IdxFile Read(string path) => Parse(File.ReadAllBytes(path), path);

    /// <summary>Reads a file in memory. What its header claims is checked against its size before memory is taken for it.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="IdxFormatException">It is no idx file of bytes, truncated, damaged, or goes on behind its elements.</exception>
    public static IdxFile Parse(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        var isZipped = file.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]);
        using var bytes = new MemoryStream(file, writable: false);
        using Stream stream = isZipped ? new GZipStream(bytes, CompressionMode.Decompress) : bytes;
        try
        {
            return ParseStream(stream, name, isZipped ? MostDeflated * file.Length : file.Length);
        }
        catch (EndOfStreamException e)
        {
            throw new IdxFormatException(name, "the file is truncated", e);
        }
        catch (InvalidDataException e)
        {
            throw new IdxFormatException(name, $"the gzip data are damaged: {e.Message}", e);
        }
    }

    private static IdxFile ParseStream(Stream stream, string name, long most)
    {
        Span<byte> word = stackalloc byte[4];
        stream.ReadExactly(word);
        if (word[0] != 0 || word[1] != 0 || word[2] != 8 || word[3] is 0 or > MaxDimensions)
            throw new IdxFormatException(name, $"0x{BinaryPrimitives.ReadUInt32BigEndian(word):x8} does not begin an idx file of bytes");
        var shape = new int[word[3]];
        long count = 1;
        foreach (ref var side in shape.AsSpan())
        {
            stream.ReadExactly(word);
            var claimed = BinaryPrimitives.ReadUInt32BigEndian(word);
            // Both factors are below 2^31, so the product does not overflow.
            if (claimed > int.MaxValue || (count *= claimed) > Math.Min(most, Array.MaxLength))
                throw new IdxFormatException(name, "the header claims more elements than the file can hold");
            side = (int)claimed;
        }
        var elements = new byte[count];
        stream.ReadExactly(elements);
        if (stream.ReadByte() >= 0) throw new IdxFormatException(name, $"the file goes on behind its {count} elements");
        return new IdxFile(shape, elements);
    }
}
