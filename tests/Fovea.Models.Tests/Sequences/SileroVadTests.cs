using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Speech;
using Fovea.Tests.Support;

namespace Fovea.Models.Tests.Sequences;

/// <summary>Silero's weights against what ONNX Runtime made of the same recording.</summary>
public sealed class SileroVadTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    // Both runtimes add some hundred f32 products per layer in an order of their own; the LSTM carries the differences on.
    private const float Tolerance = 2e-5f;

    [Fact]
    public void ProbabilitiesEqualThoseOfOnnxRuntime()
    {
        var (audio, expected) = (Oracle("onnx_inputs/audio_numbers_16k.npy"), Oracle("onnx/silero_v5/probs.npy"));
        using var net = Net();
        using var detector = new SpeechDetector(_stream, net);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], detector.Next(audio.AsSpan(i * SileroVad.Window, SileroVad.Window)), Tolerance);

        var state = Oracle("onnx/silero_v5/final_state.npy");
        var saved = new float[state.Length];
        using var memory = new SequenceState(_stream, 1);
        using var layer = net.ToStreaming(memory);
        using var session = new SequenceSession(memory, layer, DType.Float32, 1, SileroVad.Window);
        var probability = new float[1];
        for (var i = 0; i < expected.Length; i++) session.Step<float>(audio.AsSpan(i * SileroVad.Window, SileroVad.Window), probability);
        var bytes = new byte[memory.ByteCount];
        memory.Save(bytes);
        bytes.AsSpan(bytes.Length - 4 * state.Length).CopyTo(MemoryMarshal.AsBytes(saved.AsSpan())); // h and c, behind the context
        SequenceChecks.AssertClose(state, saved, 1e-4);
    }

    [Fact]
    public void SpeechIsFoundAndSilenceIsNot()
    {
        var audio = Oracle("onnx_inputs/audio_numbers_16k.npy");
        using var net = Net();
        using var detector = new SpeechDetector(_stream, net);
        Assert.Empty(detector.Find(new float[3 * SileroVad.SampleRate + 7]));
        var segments = detector.Find(audio);
        Assert.NotEmpty(segments);
        var end = 0L;
        foreach (var segment in segments)
        {
            Assert.True(segment.Start >= end && segment.End > segment.Start && segment.End <= audio.Length, segment.ToString());
            end = segment.End;
        }
        // 88 of 125 windows are speech for ONNX Runtime; segments bridge pauses of less than 100 ms and are padded.
        Assert.InRange(segments.Sum(s => s.End - s.Start), 80 * SileroVad.Window, 115 * SileroVad.Window);
        Assert.Equal(segments, detector.Find(audio));
        Assert.Throws<ArgumentException>(() => detector.Find(audio, new SpeechSegmentOptions { EndThreshold = 0.9f }));
    }

    [Fact]
    public void WindowsMakeNoGarbage()
    {
        using var net = Net();
        using var detector = new SpeechDetector(_stream, net);
        var window = new float[SileroVad.Window];
        detector.Next(window);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var i = 0; i < 5; i++) detector.Next(window);
        }));
    }

    private SileroVad Net()
    {
        try
        {
            return SileroVad.Load(_stream, new ModelStore());
        }
        catch (ModelNotInstalledException)
        {
            Assert.Skip("silero-vad is not installed; run fovea models fetch silero-vad");
            throw;
        }
    }

    // Version 1 .npy files of f32: the header ends with the first line.
    private static float[] Oracle(string file)
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Runtime.sln"))) folder = Path.GetDirectoryName(folder);
        var path = Path.Combine(folder ?? "", "..", "shared", "models", "oracle", file);
        Assert.SkipUnless(File.Exists(path), $"oracle data {file} is not beside the checkout");
        var bytes = File.ReadAllBytes(path);
        return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(bytes.AsSpan().IndexOf((byte)'\n') + 1)).ToArray();
    }
}
