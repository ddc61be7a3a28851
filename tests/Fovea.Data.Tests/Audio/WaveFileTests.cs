using System.Buffers.Binary;
using Xunit;

namespace Fovea.Data.Tests.Audio;

/// <summary>RIFF WAVE files, good and bad.</summary>
public sealed class WaveFileTests
{
    [Fact]
    public void SixteenBitsOfTwoChannelsAreAveraged()
    {
        var file = Wave(encoding: 1, channels: 2, bits: 16, [0, 0x40, 0, 0x20, 0, 0x80, 0, 0x80]);
        var wave = WaveFile.Parse(file, "a.wav");
        Assert.Equal(16000, wave.SampleRate);
        Assert.Equal([0.375f, -1], wave.Samples);
    }

    [Fact]
    public void FloatsAreTakenAsTheyAre() =>
        Assert.Equal([0.5f, -2], WaveFile.Parse(Wave(3, 1, 32, [.. BitConverter.GetBytes(0.5f), .. BitConverter.GetBytes(-2f)]), "a.wav").Samples);

    [Fact]
    public void ARecordingThatWasCutOffKeepsItsWholeFrames()
    {
        var file = Wave(1, 1, 16, [1, 0, 2, 0, 3, 0]);
        Assert.Equal(2, WaveFile.Parse(file.AsSpan(..^1), "a.wav").Samples.Length);
    }

    [Fact]
    public void DamagedFilesAreNamed()
    {
        var good = Wave(1, 1, 16, [1, 0]);
        for (var length = 0; length < good.Length - 2; length++)
        {
            // Up to the last byte of the header nothing can be decoded; what is cut behind it is an empty recording.
            if (length < 44) Assert.Contains("a.wav", Assert.Throws<FormatException>(() => WaveFile.Parse(good.AsSpan(..length), "a.wav")).Message, StringComparison.Ordinal);
        }
        Assert.Contains("24 bits", Assert.Throws<FormatException>(() => WaveFile.Parse(Wave(1, 1, 24, [1, 2, 3]), "a.wav")).Message, StringComparison.Ordinal);
        Assert.Contains("0 channels", Assert.Throws<FormatException>(() => WaveFile.Parse(Wave(1, 0, 16, [1, 0]), "a.wav")).Message, StringComparison.Ordinal);
    }

    private static byte[] Wave(int encoding, int channels, int bits, byte[] data)
    {
        var file = new byte[44 + data.Length];
        "RIFF"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        "WAVEfmt "u8.CopyTo(file.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(20), (short)encoding);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(22), (short)channels);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(24), 16000);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(34), (short)bits);
        "data"u8.CopyTo(file.AsSpan(36));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(40), data.Length);
        data.CopyTo(file, 44);
        return file;
    }
}
