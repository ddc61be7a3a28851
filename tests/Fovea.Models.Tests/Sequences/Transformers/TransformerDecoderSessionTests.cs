using Fovea.Models.Sequences.Transformers;
using Fovea.Tests.Support;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

public sealed class TransformerDecoderSessionTests
{
    private const int Vocabulary = 29;

    public static TheoryData<string> Variants => TestModels.Variants;

    /// <summary>Every step gives what one pass over the whole sequence gives at that position. Products of one row and of many add up in
    /// other orders, hence the tolerance.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void StepsEqualTheWholePass(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options(variant)));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 1, capacity: 17);
        var tokens = TestModels.Tokens(6, 17);
        var whole = TestModels.Logits(stream, model, tokens);
        var logits = new float[Vocabulary];
        for (var round = 0; round < 2; round++, session.Reset())
            for (var t = 0; t < tokens.Length; t++)
            {
                session.Step([tokens[t]], logits);
                TestModels.Close(Position(whole, t), logits);
            }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void PrefillEqualsSteps(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options(variant)));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 3, capacity: 20);
        var tokens = TestModels.Tokens(7, 20);
        var whole = TestModels.Logits(stream, model, tokens);
        var logits = new float[Vocabulary];
        var all = new float[3 * Vocabulary];
        session.Prefill(1, tokens.AsSpan(0, 7), logits);
        TestModels.Close(Position(whole, 6), logits);
        session.Step([-1, tokens[7], -1], all);
        TestModels.Close(Position(whole, 7), all.AsSpan(Vocabulary, Vocabulary));
        session.Prefill(1, tokens.AsSpan(8, 12), logits);
        TestModels.Close(Position(whole, 19), logits);
        Assert.Equal([0, 20, 0], session.Lengths);
    }

    /// <summary>Narrow products give a row the same bits in any batch, and streams never mix: three streams of different lengths, one of
    /// which pauses and one of which begins again, equal three sessions of one stream, bit for bit.</summary>
    [Fact]
    public void StreamsAreIndependent()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options("llama")));
        using var decoder = new PreparedDecoder(stream, model, WeightFormat.BFloat16);
        using var together = new TransformerDecoderSession(decoder, stream, streams: 3, capacity: 16);
        var alone = Enumerable.Range(0, 3).Select(_ => new TransformerDecoderSession(decoder, stream, streams: 1, capacity: 16)).ToArray();
        var (all, one) = (new float[3 * Vocabulary], new float[Vocabulary]);
        together.Prefill(2, [5, 6, 7], one);
        alone[2].Prefill(0, [5, 6, 7], one);
        for (var t = 0; t < 13; t++)
        {
            if (t == 6)
            {
                together.Reset(1);
                alone[1].Reset();
            }
            int[] tokens = [(t * 7 + 1) % Vocabulary, (t * 5 + 2) % Vocabulary, t % 3 == 1 ? -1 : (t * 3 + 4) % Vocabulary];
            together.Step(tokens, all);
            for (var s = 0; s < 3; s++)
            {
                if (tokens[s] == -1) continue;
                alone[s].Step([tokens[s]], one);
                Assert.Equal(one, all.AsSpan(s * Vocabulary, Vocabulary));
            }
        }
        foreach (var session in alone) session.Dispose();
    }

    /// <summary>The CUDA kernels, emulated on the processor, replay the same captured step.</summary>
    [Fact]
    public void TheEmulatedDeviceAgrees()
    {
        Assert.SkipUnless(Device.Backends.Any(b => b is { Name: "cuda-emulated", RefusalReason: null }), "the emulated CUDA plug-in was not built");
        using DeviceStream cpu = Device.Cpu.CreateStream(), cuda = Device.CudaEmulated.CreateStream();
        var options = TestModels.Options("llama");
        using var model = TestModels.Shaken(cpu, new CausalTransformer(cpu, options));
        using var twin = TestModels.Shaken(cuda, new CausalTransformer(cuda, options));
        using var decoder = new PreparedDecoder(cuda, twin);
        using var session = new TransformerDecoderSession(decoder, cuda, streams: 2, capacity: 6);
        int[] tokens = [5, 6, 7, 8, 9];
        var whole = TestModels.Logits(cpu, model, tokens);
        var logits = new float[2 * Vocabulary];
        session.Prefill(1, tokens.AsSpan(0, 3), logits.AsSpan(0, Vocabulary));
        TestModels.Close(Position(whole, 2), logits.AsSpan(0, Vocabulary));
        for (var t = 0; t < 2; t++)
        {
            session.Step([tokens[t], tokens[3 + t]], logits);
            TestModels.Close(Position(whole, t), logits.AsSpan(0, Vocabulary));
            TestModels.Close(Position(whole, 3 + t), logits.AsSpan(Vocabulary, Vocabulary));
        }
    }

    [Fact]
    public void BeamsGoOnFromTheirParents()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options("gpt2")));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 3, capacity: 8);
        var logits = new float[3 * Vocabulary];
        session.Step([1, 2, 3], logits);
        session.Step([4, -1, 6], logits);
        session.Reorder([2, 0, 0]);
        Assert.Equal([2, 2, 2], session.Lengths);
        session.Step([7, 8, 9], logits);
        int[][] histories = [[3, 6, 7], [1, 4, 8], [1, 4, 9]];
        for (var s = 0; s < 3; s++)
            TestModels.Close(Position(TestModels.Logits(stream, model, histories[s]), 2), logits.AsSpan(s * Vocabulary, Vocabulary));
    }

    /// <summary>A stream that goes back gives the same bits again, up to its last place, and leaves the other one alone.</summary>
    [Fact]
    public void ATruncatedStreamGoesOnFromWhatStays()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, TestModels.Options("llama")));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 2, capacity: 6);
        var (logits, first) = (new float[2 * Vocabulary], new float[4][]);
        session.Step([8, 4], logits);
        session.Step([3, 5], logits);
        for (var round = 0; round < 3; round++)
        {
            for (var t = 0; t < 4; t++)
            {
                session.Step([-1, 10 + t], logits);
                var row = logits.AsSpan(Vocabulary).ToArray();
                if (round == 0) first[t] = row;
                Assert.Equal(first[t], row);
            }
            session.Truncate(1, 2);
            session.Truncate(1, 2); // nothing to forget
            Assert.Equal([2, 2], session.Lengths);
        }
        session.Step([6, -1], logits);
        TestModels.Close(Position(TestModels.Logits(stream, model, [8, 3, 6]), 2), logits.AsSpan(0, Vocabulary));
    }

    [Theory]
    [InlineData("paper")]
    [InlineData("llama")]
    public void ADecoderLooksAtItsEncoder(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant) with { EncoderLayers = 2 };
        using var model = TestModels.Shaken(stream, new Transformer(stream, options));
        int[] source = TestModels.Tokens(8, 14), target = TestModels.Tokens(9, 10), lengths = [7, 3];
        var whole = TestModels.Logits(stream, model, source, lengths, target);
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 2, capacity: 5, memoryCapacity: 9);
        using var memory = Memory(stream, model, source, lengths);
        session.SetMemory(memory, lengths);
        var logits = new float[2 * Vocabulary];
        for (var round = 0; round < 2; round++, session.Reset(), session.SetMemory(memory, lengths))
            for (var t = 0; t < 5; t++)
            {
                session.Step([target[t], target[5 + t]], logits);
                for (var b = 0; b < 2; b++) TestModels.Close(Position(whole, b * 5 + t), logits.AsSpan(b * Vocabulary, Vocabulary));
            }
    }

    [Fact]
    public void AStepAllocatesNothing()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new CausalTransformer(stream, TestModels.Options("llama"));
        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 2, capacity: 32);
        var (tokens, logits) = (new int[2], new float[2 * Vocabulary]);
        for (var t = 0; t < 8; t++) session.Step(tokens, logits);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var t = 0; t < 2; t++) session.Step(tokens, logits);
        }));
    }

    [Fact]
    public void Arguments()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new CausalTransformer(stream, TestModels.Options("paper"));
        using var decoder = new PreparedDecoder(stream, model);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TransformerDecoderSession(decoder, stream, streams: 1, capacity: 34));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TransformerDecoderSession(decoder, stream, streams: 0, capacity: 3));
        using var session = new TransformerDecoderSession(decoder, stream, streams: 2, capacity: 3);
        var logits = new float[2 * Vocabulary];
        Assert.Throws<ArgumentException>(() => session.Step([1], logits));
        Assert.Throws<ArgumentException>(() => session.Step([1, 2], logits.AsSpan(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Step([1, Vocabulary], logits));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Step([-2, 1], logits));
        Assert.Throws<ArgumentException>(() => session.Prefill(0, [], logits.AsSpan(0, Vocabulary)));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Prefill(2, [1], logits.AsSpan(0, Vocabulary)));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Truncate(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Truncate(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Truncate(2, 0));
        Assert.Throws<ArgumentException>(() => session.Reorder([0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Reorder([0, 2]));
        using var memory = DeviceTensor.Allocate(stream, DType.Float32, 2, 1, 24);
        Assert.Throws<InvalidOperationException>(() => session.SetMemory(memory, [1, 1]));
        Assert.Equal([0, 0], session.Lengths);
        session.Prefill(1, [1, 2, 3], logits.AsSpan(0, Vocabulary));
        var full = Assert.Throws<InvalidOperationException>(() => session.Step([1, 2], logits));
        Assert.Contains("stream 1 is full", full.Message, StringComparison.Ordinal);
        Assert.Equal([0, 3], session.Lengths);
        session.Step([1, -1], logits);
        full = Assert.Throws<InvalidOperationException>(() => session.Prefill(0, [1, 2, 3], logits.AsSpan(0, Vocabulary)));
        Assert.Contains("holds 1 of 3 tokens, 3 more", full.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<double> Position(float[] logits, int position) =>
        logits.Skip(position * Vocabulary).Take(Vocabulary).Select(v => (double)v);

    private static DeviceTensor Memory(DeviceStream stream, Transformer model, int[] source, int[] lengths)
    {
        var tape = new Tape();
        using var from = DeviceTensor.From<int>(stream, source, lengths.Length, source.Length / lengths.Length);
        using var counts = DeviceTensor.From<int>(stream, lengths, lengths.Length);
        var values = TestModels.Read(stream, model.Encode(tape.Input(from), tape.Input(counts)));
        return DeviceTensor.From<float>(stream, values, lengths.Length, source.Length / lengths.Length, model.Options.Width);
    }
}
