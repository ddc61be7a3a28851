using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Bench.Peers.Torch;

/// <summary>Lets TorchSharp 0.107 load where the C++ library is GCC 12's, as on Debian 12. Its libLibTorchSharp.so asks for version
/// GLIBCXX_3.4.32 for one symbol, std::ios_base_library_init(). The demand is marked weak in our copy of the file, and a small library
/// with that symbol is loaded in front.</summary>
internal static partial class TorchLibrary
{
    private const string Version = "GLIBCXX_3.4.32";
    private const uint VersionNeedSection = 0x6ffffffe; // SHT_GNU_verneed
    private const byte Weak = 2;                        // VER_FLG_WEAK
    private const int NowGlobal = 0x102;                // RTLD_NOW | RTLD_GLOBAL

    /// <summary>Prepares the libraries in <paramref name="folder"/>; harmless where nothing is amiss.</summary>
    public static void Prepare(string folder)
    {
        string path = Path.Combine(folder, "libLibTorchSharp.so");
        byte[] file = File.ReadAllBytes(path);
        if (MarkWeak(file)) File.WriteAllBytes(path, file);
        string shim = Path.Combine(folder, "libstdcxx_init.so");
        if (File.Exists(shim) && dlopen(shim, NowGlobal) == 0) throw new DllNotFoundException($"{shim} cannot be loaded");
    }

    // ELF64, little-endian: section headers at 0x28, their size at 0x3A, their number at 0x3C.
    private static bool MarkWeak(Span<byte> file)
    {
        bool changed = false;
        long headers = BinaryPrimitives.ReadInt64LittleEndian(file[0x28..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(file[0x3A..]), count = BinaryPrimitives.ReadUInt16LittleEndian(file[0x3C..]);
        for (int i = 0; i < count; i++)
        {
            var section = file[(int)(headers + (long)i * size)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != VersionNeedSection) continue;
            int strings = (int)headers + BinaryPrimitives.ReadInt32LittleEndian(section[40..]) * size;
            int names = (int)BinaryPrimitives.ReadInt64LittleEndian(file[(strings + 24)..]);
            changed |= MarkNeeds(file, (int)BinaryPrimitives.ReadInt64LittleEndian(section[24..]), names);
        }

        return changed;
    }

    // Verneed: number of Vernaux at 2, first at 8, next Verneed at 12. Vernaux: flags at 4, name at 8, next at 12; offsets are relative.
    private static bool MarkNeeds(Span<byte> file, int need, int names)
    {
        bool changed = false;
        for (int next = -1; next != 0; need += next)
        {
            int aux = need + BinaryPrimitives.ReadInt32LittleEndian(file[(need + 8)..]);
            for (int k = BinaryPrimitives.ReadUInt16LittleEndian(file[(need + 2)..]); k > 0; k--)
            {
                var name = file[(names + BinaryPrimitives.ReadInt32LittleEndian(file[(aux + 8)..]))..];
                if (Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]) == Version && (file[aux + 4] & Weak) == 0)
                {
                    file[aux + 4] |= Weak;
                    changed = true;
                }

                aux += BinaryPrimitives.ReadInt32LittleEndian(file[(aux + 12)..]);
            }

            next = BinaryPrimitives.ReadInt32LittleEndian(file[(need + 12)..]);
        }

        return changed;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint dlopen(string file, int flags);
}
