using Fovea.Models.Sequences.Transformers;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

public sealed class TransformerTests
{
    public static TheoryData<string> Variants => TestModels.Variants;

    // The models themselves would take 250 and 860 MB; that the formula counts what a model has is tested below.
    [Fact]
    public void PublishedSizes()
    {
        Assert.Equal(63_082_496, TransformerOptions.Base(37_000).ParameterCount);
        Assert.Equal(214_245_376, TransformerOptions.Big(37_000).ParameterCount);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void TheFormulaCountsTheParameters(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant);
        using var causal = new CausalTransformer(stream, options);
        Assert.Equal(options.ParameterCount, causal.Parameters.Sum(p => p.Spec.ElementCount));
        var pair = options with { EncoderLayers = 3 };
        using var both = new Transformer(stream, pair);
        Assert.Equal(pair.ParameterCount, both.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal(both.Parameters.Count(), both.Parameters.Select(p => p.Name).Distinct().Count());
    }

    // Position 1 of width 4, computed with Python's math module.
    [Fact]
    public void PublishedPositions()
    {
        TestModels.Close([0, 1, 0, 1, 0.8414710, 0.5403023, 0.0099998, 0.9999500], SinusoidalPositions.Interleaved(2, 4), 5e-8);
        TestModels.Close([0, 0, 1, 1, 0.8414710, 0.0001, 0.5403023, 1], SinusoidalPositions.Concatenated(2, 4), 5e-8);
        Assert.Throws<ArgumentException>(() => SinusoidalPositions.Interleaved(2, 3));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void CausalModelEqualsPlainLoops(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant);
        using var model = TestModels.Shaken(stream, new CausalTransformer(stream, options));
        var tokens = TestModels.Tokens(1, 13);
        var expected = new NaiveTransformer(stream, options).Logits(model, tokens);
        TestModels.Close(expected.SelectMany(row => row), TestModels.Logits(stream, model, tokens));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void EncoderAndDecoderEqualPlainLoops(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant) with { EncoderLayers = 2 };
        using var model = TestModels.Shaken(stream, new Transformer(stream, options));
        // The second source is shorter: what stands behind it must not count.
        int[] source = TestModels.Tokens(2, 14), target = TestModels.Tokens(3, 10), lengths = [7, 4];
        var logits = TestModels.Logits(stream, model, source, lengths, target);
        var naive = new NaiveTransformer(stream, options);
        for (var b = 0; b < 2; b++)
        {
            var expected = naive.Logits(model, source[(b * 7)..(b * 7 + lengths[b])], target[(b * 5)..(b * 5 + 5)]);
            var size = 5 * options.Vocabulary;
            TestModels.Close(expected.SelectMany(row => row), logits.AsSpan(b * size, size));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void NothingLeaksBackwards(string variant)
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant);
        using var model = new CausalTransformer(stream, options);
        model.Train(false);
        var tokens = TestModels.Tokens(4, 17);
        var before = TestModels.Logits(stream, model, tokens);
        foreach (var changed in (int[])[0, 8, 16])
        {
            var others = tokens.ToArray();
            others[changed] = (tokens[changed] + 1) % options.Vocabulary;
            var after = TestModels.Logits(stream, model, others);
            var split = changed * options.Vocabulary;
            Assert.Equal(before.AsSpan(0, split), after.AsSpan(0, split));
            Assert.NotEqual(before[split..(split + options.Vocabulary)], after[split..(split + options.Vocabulary)]);
        }
    }

    [Fact]
    public void WithoutPositionsTheEncoderTreatsASet()
    {
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options("multi-query") with { EncoderLayers = 2 };
        using var model = TestModels.Shaken(stream, new Transformer(stream, options));
        int[] tokens = [3, 1, 4, 15, 9, 2], order = [4, 2, 0, 5, 3, 1];
        float[] straight = Encode(tokens), mixed = Encode([.. order.Select(i => tokens[i])]);
        for (var i = 0; i < order.Length; i++)
            TestModels.Close(straight.Skip(order[i] * options.Width).Take(options.Width).Select(v => (double)v), mixed.AsSpan(i * options.Width, options.Width));

        float[] Encode(int[] source)
        {
            var tape = new Tape();
            using var input = DeviceTensor.From<int>(stream, source, 1, source.Length);
            return TestModels.Read(stream, model.Forward(tape.Input(input)));
        }
    }

    [Fact]
    public void DropoutActsInTrainingOnly()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new CausalTransformer(stream, TestModels.Options("gpt2") with { Dropout = 0.5f });
        using var twin = new CausalTransformer(stream, TestModels.Options("gpt2"));
        var tokens = TestModels.Tokens(5, 6);
        Assert.NotEqual(TestModels.Logits(stream, twin, tokens), TestModels.Logits(stream, model, tokens));
        model.Train(false);
        Assert.Equal(TestModels.Logits(stream, twin, tokens), TestModels.Logits(stream, model, tokens));
    }

    [Fact]
    public void Arguments()
    {
        using var stream = Device.Cpu.CreateStream();
        var good = TestModels.Options("paper");
        Assert.Contains("does not divide into 5 heads", Refused(good with { Heads = 5 }), StringComparison.Ordinal);
        Assert.Contains("do not share 3 key heads", Refused(good with { KeyValueHeads = 3 }), StringComparison.Ordinal);
        Assert.Contains("even head size, not 3", Refused(good with { Heads = 8, Positions = PositionKind.Rotary }), StringComparison.Ordinal);
        Assert.Contains("even width, not 25", Refused(good with { Width = 25, Heads = 5 }), StringComparison.Ordinal);
        Assert.Contains("has no encoder", Refused(good with { EncoderLayers = 1 }), StringComparison.Ordinal);
        Assert.Contains("DecoderLayers", Refused(good with { DecoderLayers = 0 }), StringComparison.Ordinal);

        using var model = new CausalTransformer(stream, good);
        var tape = new Tape();
        var tooLong = tape.Input(new TensorSpec(DType.Int32, 1, good.MaxLength + 1));
        Assert.Throws<ArgumentException>(() => model.Forward(tooLong));
        var x = tape.Input(new TensorSpec(DType.Float32, 1, 4, good.Width));
        var error = Assert.Throws<ArgumentException>(() => model.Decoder.Forward(x, memory: x));
        Assert.Contains("decoder.layer0 has no cross-attention", error.Message, StringComparison.Ordinal);

        string Refused(TransformerOptions options) => Assert.ThrowsAny<ArgumentException>(() => new CausalTransformer(stream, options)).Message;
    }
}
