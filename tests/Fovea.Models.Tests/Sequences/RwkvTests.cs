using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Rwkv;
using Fovea.Tests.Support;

namespace Fovea.Models.Tests.Sequences;

/// <summary>Models of random weights, of every version that can be run.</summary>
public sealed class RwkvTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-rwkv-").FullName;
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public static TheoryData<RwkvVersion> Versions => [.. Enum.GetValues<RwkvVersion>()];

    public void Dispose()
    {
        _stream.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // Logits are of size 1 and pass 13 matrix products of sums of up to 40 terms and as many norms, each of which rounds by 1e-7 of its
    // largest term and scales what came before by about 1.
    private const float Tolerance = 2e-5f;

    [Theory]
    [MemberData(nameof(Versions))]
    public void LogitsAreThoseOfThePlainRecurrence(RwkvVersion version)
    {
        using var model = Load(version);
        using var session = new RwkvSession(model, _stream);
        using var file = RwkvFile.Open(Path.Combine(_folder, "model.bin"));
        var naive = new NaiveRwkv(file, version, TinyRwkv.Heads);
        var logits = Logits();
        foreach (var token in Tokens(12, 9))
        {
            session.Step([token], logits);
            AssertClose(Array.ConvertAll(naive.Step(token), x => (float)x), logits);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void APromptEqualsItsSteps(RwkvVersion version)
    {
        using var model = Load(version);
        using var once = new RwkvSession(model, _stream);
        using var stepwise = new RwkvSession(model, _stream);
        var prompt = Tokens(300, 1); // more than one piece
        float[] expected = Logits(), actual = Logits();
        once.Prefill(prompt, expected);
        foreach (var token in prompt) stepwise.Step([token], actual);
        AssertClose(expected, actual);
        // Both go on alike.
        once.Step([5], expected);
        stepwise.Step([5], actual);
        AssertClose(expected, actual);
    }

    // Products with narrow weights give a row the same bits whatever the number of rows; so does everything else.
    [Theory]
    [MemberData(nameof(Versions))]
    public void WithNarrowWeightsCutsAndStreamsChangeNoBit(RwkvVersion version)
    {
        const int Length = 20;
        using var model = Load(version, format: WeightFormat.BFloat16);
        var prompts = Tokens(2 * Length, 6);
        using var together = new RwkvSession(model, _stream, streams: 2);
        float[] all = Logits(2), one = Logits();
        together.Prefill(prompts, all);
        for (var i = 0; i < 2; i++)
        {
            using var alone = new RwkvSession(model, _stream);
            foreach (var token in prompts.AsSpan(i * Length, Length)) alone.Step([token], one);
            Assert.Equal(all[(i * one.Length)..((i + 1) * one.Length)], one);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void ASavedStateContinuesBitForBit(RwkvVersion version)
    {
        using var model = Load(version);
        using var session = new RwkvSession(model, _stream, streams: 2);
        var logits = Logits(2);
        session.Prefill(Tokens(2 * 11, 2), logits);
        var saved = new byte[session.State.ByteCount];
        session.State.Save(saved);
        float[] Continue(RwkvSession s)
        {
            var all = new List<float>();
            for (var i = 0; i < 20; i++)
            {
                s.Step([i, 30 - i], logits);
                all.AddRange(logits);
            }
            return [.. all];
        }
        var expected = Continue(session);
        session.State.Load(saved);
        Assert.Equal(expected, Continue(session));
        using var other = new RwkvSession(model, _stream, streams: 2);
        other.State.Load(saved);
        Assert.Equal(expected, Continue(other));
        other.State.Reset();
        Assert.NotEqual(expected, Continue(other));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void StreamsDoNotSeeEachOther(RwkvVersion version)
    {
        const int Streams = 3, Length = 13;
        using var model = Load(version);
        using var together = new RwkvSession(model, _stream, Streams);
        var prompts = Tokens(Streams * Length, 3);
        float[] all = Logits(Streams), one = Logits();
        together.Prefill(prompts, all);
        together.Step([1, 2, 3], all);
        for (var i = 0; i < Streams; i++)
        {
            using var alone = new RwkvSession(model, _stream);
            alone.Prefill(prompts.AsSpan(i * Length, Length), one);
            alone.Step([i + 1], one);
            AssertClose(one, all.AsSpan(i * one.Length, one.Length));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void StepsCostNoMemory(RwkvVersion version)
    {
        using var model = Load(version);
        using var session = new RwkvSession(model, _stream);
        var sampler = new TokenSampler(TinyRwkv.Vocabulary, new SamplingOptions { TopK = 20, Seed = 1 });
        var logits = Logits();
        int token = 0, tokens = version == RwkvVersion.V52 ? 10_000 : 500;
        for (var i = 0; i < 50; i++) Advance();
        var device = _stream.Pool.Statistics.ReservedBytes;
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var i = 0; i < tokens / 10; i++) Advance(); // ten rounds of them
        }));
        Assert.Equal(device, _stream.Pool.Statistics.ReservedBytes);
        Assert.All(logits, x => Assert.True(float.IsFinite(x)));

        void Advance()
        {
            session.Step(MemoryMarshal.CreateReadOnlySpan(ref token, 1), logits);
            token = sampler.Next(logits);
        }
    }

    // The CUDA kernels, emulated on the processor: prompt and captured step.
    [Theory]
    [MemberData(nameof(Versions))]
    public void TheGpuGivesTheCpusLogits(RwkvVersion version)
    {
        Assert.SkipUnless(Device.Backends.Any(b => b is { Name: "cuda-emulated", RefusalReason: null }), "the emulated CUDA plug-in was not built");
        using var model = Load(version);
        using var session = new RwkvSession(model, _stream, streams: 2);
        using var gpu = Device.CudaEmulated.CreateStream();
        using var gpuModel = RwkvModel.Load(gpu, Path.Combine(_folder, "model.bin"));
        using var gpuSession = new RwkvSession(gpuModel, gpu, streams: 2);
        float[] expected = Logits(2), actual = Logits(2);
        session.Prefill(Tokens(2 * 3, 5), expected);
        gpuSession.Prefill(Tokens(2 * 3, 5), actual);
        AssertClose(expected, actual);
        session.Step([1, 2], expected);
        gpuSession.Step([1, 2], actual);
        AssertClose(expected, actual);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void EveryTensorIsNeeded(RwkvVersion version)
    {
        using (var model = Load(version))
            Assert.Equal((version, 3, 24), (model.Options.Version, model.Options.Layers, model.Options.Width));
        // The last tensor is cut off, and then the file in the middle of it.
        var bytes = TinyRwkv.File(version);
        var path = Path.Combine(_folder, "short.bin");
        File.WriteAllBytes(path, bytes[..^10]);
        var e = Assert.Throws<RwkvFileException>(() => RwkvModel.Load(_stream, path));
        Assert.Contains("short.bin: ", e.Message, StringComparison.Ordinal);
        // More layers than there are tensors for.
        bytes[16] = 4;
        File.WriteAllBytes(path, bytes);
        e = Assert.Throws<RwkvFileException>(() => RwkvModel.Load(_stream, path));
        Assert.Contains("it has no tensor blocks.3.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HalvesAreWidened()
    {
        float[] expected = Logits(), actual = Logits();
        using (var model = Load(RwkvVersion.V52))
        using (var session = new RwkvSession(model, _stream)) session.Prefill(Tokens(9, 4), expected);
        using (var model = Load(RwkvVersion.V52, halves: true))
        using (var session = new RwkvSession(model, _stream)) session.Prefill(Tokens(9, 4), actual);
        // Weights are off by up to 2^-11 of themselves, at random: sums of 24 to 40 by 1e-3 of their size at most, 13 times.
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 0.013f);
        Assert.NotEqual(expected, actual);
    }

    [Fact]
    public void ArgumentsAreChecked()
    {
        using var model = Load(RwkvVersion.V4);
        using var session = new RwkvSession(model, _stream, streams: 2);
        var logits = Logits(2);
        Assert.Throws<ArgumentException>(() => session.Step([1, 37], logits));
        Assert.Throws<ArgumentException>(() => session.Step([1, -1], logits));
        Assert.Throws<ArgumentException>(() => session.Step([1], logits));
        Assert.Throws<ArgumentException>(() => session.Step([1, 2], Logits()));
        Assert.Throws<ArgumentException>(() => session.Prefill([1, 2, 3], logits));
        Assert.Throws<ArgumentException>(() => session.Prefill([], logits));
    }

    // The published sizes, with the vocabulary of 50277.
    [Theory]
    [InlineData(12, 768, 169_342_464L)]
    [InlineData(24, 1024, 430_397_440L)]
    [InlineData(24, 2048, 1_515_106_304L)]
    [InlineData(32, 2560, 2_984_627_200L)]
    [InlineData(32, 4096, 7_392_649_216L)]
    [InlineData(40, 5120, 14_148_597_760L)]
    public void ParametersOfVersion4(int layers, int width, long expected) =>
        Assert.Equal(expected, new RwkvOptions { Version = RwkvVersion.V4, Vocabulary = 50277, Width = width, Layers = layers }.ParameterCount);

    private static float[] Logits(int streams = 1) => new float[streams * TinyRwkv.Vocabulary];

    private static int[] Tokens(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(TinyRwkv.Vocabulary))];
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= Tolerance, $"logit {i}: {actual[i]:R}, expected {expected[i]:R}");
    }

    private RwkvModel Load(RwkvVersion version, bool halves = false, WeightFormat format = WeightFormat.Float32)
    {
        var path = Path.Combine(_folder, "model.bin");
        File.WriteAllBytes(path, TinyRwkv.File(version, halves));
        return RwkvModel.Load(_stream, path, format);
    }
}
