using System.Buffers.Binary;

namespace Fovea.Data;

/// <summary>A RIFF WAVE file of 16-bit or float samples, mixed to one channel.</summary>
public sealed class WaveFile
{
    private const int MaxChannels = 32;

    private WaveFile(int sampleRate, float[] samples) => (SampleRate, Samples) = (sampleRate, samples);

    /// <summary>Samples per second.</summary>
    public int SampleRate { get; }

    /// <summary>One channel, in [-1, 1] for 16-bit files; several channels are averaged.</summary>
    public float[] Samples { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">It is malformed, or of another encoding; the message names the file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static WaveFile Load(string path) => Parse(File.ReadAllBytes(path), path);

    /// <summary>Reads the bytes of a file; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="FormatException">It is malformed, or of another encoding.</exception>
    public static WaveFile Parse(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 12 || !file[..4].SequenceEqual("RIFF"u8) || !file[8..12].SequenceEqual("WAVE"u8)) throw Bad(name, "it does not begin as a RIFF WAVE file");
        ReadOnlySpan<byte> format = default;
        for (var at = 12; file.Length - at >= 8;)
        {
            var id = file.Slice(at, 4);
            var size = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            at += 8;
            // A recorder that was cut off leaves a data chunk longer than the file: what is there counts.
            var length = (int)Math.Min(size, (uint)(file.Length - at));
            if (id.SequenceEqual("fmt "u8)) format = file.Slice(at, length);
            if (id.SequenceEqual("data"u8)) return Decode(format, file.Slice(at, length), name);
            at += length + (length & 1);
        }
        throw Bad(name, "it has no data chunk");
    }

    private static WaveFile Decode(ReadOnlySpan<byte> format, ReadOnlySpan<byte> data, string name)
    {
        if (format.Length < 16) throw Bad(name, "its data chunk comes without a whole fmt chunk before it");
        int encoding = BinaryPrimitives.ReadUInt16LittleEndian(format), channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]);
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(format[4..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        const int Extensible = 0xfffe;
        if (encoding == Extensible && format.Length >= 26) encoding = BinaryPrimitives.ReadUInt16LittleEndian(format[24..]);
        var isFloat = (encoding, bits) switch
        {
            (1, 16) => false,
            (3, 32) => true,
            _ => throw Bad(name, $"encoding {encoding} with {bits} bits is not supported, only PCM of 16 bits and float of 32"),
        };
        if (channels is 0 or > MaxChannels || rate is 0 or > 768_000) throw Bad(name, $"{channels} channels at {rate} Hz make no sense");
        var (size, frame) = (bits / 8, bits / 8 * channels);
        var samples = new float[data.Length / frame];
        for (var i = 0; i < samples.Length; i++)
        {
            var sum = 0f;
            for (var c = 0; c < channels; c++)
            {
                var sample = data[(i * frame + c * size)..];
                sum += isFloat ? BinaryPrimitives.ReadSingleLittleEndian(sample) : BinaryPrimitives.ReadInt16LittleEndian(sample) / 32768f;
            }
            samples[i] = sum / channels;
        }
        return new WaveFile((int)rate, samples);
    }

    private static FormatException Bad(string name, string problem) => new($"{name}: not a usable WAVE file: {problem}");
}
