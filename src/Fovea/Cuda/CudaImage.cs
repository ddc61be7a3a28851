using System.Buffers.Binary;

namespace Fovea;

/// <summary>Code for a GPU: PTX, a cubin or a fat binary. Immutable; needs no GPU and no driver until it is loaded.</summary>
public sealed class CudaImage
{
    private const uint Elf = 0x464C457F;         // "\x7FELF": a cubin
    private const uint FatBinary = 0xBA55ED50;   // what nvcc --fatbin writes

    /// <summary>Takes an image of a file over: PTX as text, a cubin or a fat binary.</summary>
    /// <exception cref="ArgumentException">It is none of these, or cut short.</exception>
    public CudaImage(ReadOnlySpan<byte> bytes) : this(Checked(bytes), "", new Dictionary<string, string>())
    {
    }

    internal CudaImage(byte[] zeroTerminated, string log, Dictionary<string, string> loweredNames)
    {
        ZeroTerminated = zeroTerminated;
        Log = log;
        LoweredNames = loweredNames;
    }

    /// <summary>The code.</summary>
    public ReadOnlyMemory<byte> Bytes => ZeroTerminated.AsMemory(0, ZeroTerminated.Length - 1);

    /// <summary>Whether it is PTX, which the driver compiles when it loads it.</summary>
    public bool IsPtx => Magic(ZeroTerminated) is not (Elf or FatBinary);

    /// <summary>What the compiler had to say, warnings for example; empty for images that came compiled.</summary>
    public string Log { get; }

    /// <summary>The symbol of each kernel that was named in <see cref="CudaCompileOptions.Kernels"/>.</summary>
    public IReadOnlyDictionary<string, string> LoweredNames { get; }

    internal byte[] ZeroTerminated { get; }

    /// <summary>Compiles CUDA C++ with NVRTC.</summary>
    /// <exception cref="ArgumentException">The options name no architecture.</exception>
    /// <exception cref="DeviceException">There is no NVRTC, or the source does not compile: the message holds the log.</exception>
    public static CudaImage Compile(string source, CudaCompileOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrEmpty(options.Architecture))
            throw new ArgumentException("the options name no architecture, such as sm_90a or compute_80", nameof(options));
        using var program = new CudaProgram(source, options);
        return program.Compile();
    }

    /// <summary>The best that NVRTC can make for a compute capability (10 * major + minor): machine code, with the
    /// architecture's own instructions, or PTX of an older one.</summary>
    internal static string ArchitectureFor(int capability) => ArchitectureFor(capability, CudaProgram.SupportedArchitectures());

    internal static string ArchitectureFor(int capability, ReadOnlySpan<int> supported)
    {
        if (supported.Contains(capability)) return capability >= 90 ? $"sm_{capability}a" : $"sm_{capability}";
        var best = 0;
        foreach (var known in supported)
            if (known < capability && known > best)
                best = known;
        return best > 0
            ? $"compute_{best}"
            : throw new DeviceException(Status.Unsupported, "nvrtc",
                $"this NVRTC compiles for nothing that runs on compute capability {capability / 10}.{capability % 10}; it knows {string.Join(", ", supported.ToArray())}");
    }

    // The driver gets a pointer without a length, so an image that was cut short would be read past its end.
    private static byte[] Checked(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) throw new ArgumentException("the image is empty", nameof(bytes));
        var needed = Magic(bytes) switch
        {
            Elf when bytes.Length < 64 => 64,
            // e_shoff + e_shnum * e_shentsize and the same of the program headers: an ELF file ends with one of the tables.
            Elf => Math.Max(End(bytes, 40, 58, 60), End(bytes, 32, 54, 56)),
            FatBinary when bytes.Length < 16 => 16,
            FatBinary => BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]) + (decimal)BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            _ => 0,
        };
        if (needed > bytes.Length) throw new ArgumentException($"the image is cut short: it has {bytes.Length} of {needed} bytes", nameof(bytes));
        if (Magic(bytes) is not (Elf or FatBinary) && (bytes.TrimEnd((byte)0).Contains((byte)0) || bytes.IndexOf(".version"u8) < 0))
            throw new ArgumentException("the image is neither PTX nor a cubin nor a fat binary", nameof(bytes));
        return [.. bytes, 0];
    }

    private static decimal End(ReadOnlySpan<byte> elf, int offset, int size, int count) =>
        BinaryPrimitives.ReadUInt64LittleEndian(elf[offset..]) +
        (decimal)(BinaryPrimitives.ReadUInt16LittleEndian(elf[size..]) * BinaryPrimitives.ReadUInt16LittleEndian(elf[count..]));

    private static uint Magic(ReadOnlySpan<byte> bytes) => bytes.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
