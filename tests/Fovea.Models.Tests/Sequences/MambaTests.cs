using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Mamba;
using Fovea.Models.Sequences.Retention;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences;

/// <summary>Mamba, Mamba-2 and retention: parallel and streaming forms, sizes, and the published vectors.</summary>
public sealed class MambaTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    // A few hundred products and exponentials in another order: some 1e-6 of the largest value.
    private const double Tolerance = 1e-5;

    [Fact]
    public void MambaForms()
    {
        using var mixer = new MambaMixer(_stream, "mixer", new MambaOptions(24) { StateSize = 5 }, new Random(1));
        SequenceChecks.FormsAgree(_stream, mixer, 24, Tolerance);
        SequenceChecks.StreamsKeepTheirState(_stream, mixer, 24);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 4)]
    public void Mamba2Forms(int groups, int chunk)
    {
        var options = new Mamba2Options(24) { StateSize = 10, HeadSize = 12, Groups = groups, Chunk = chunk };
        using var mixer = new Mamba2Mixer(_stream, "mixer", options, new Random(2));
        SequenceChecks.FormsAgree(_stream, mixer, 24, Tolerance);
        SequenceChecks.StreamsKeepTheirState(_stream, mixer, 24);
    }

    [Fact]
    public void RetentionForms()
    {
        using var layer = new RetentionLayer(_stream, "retention", new RetentionOptions(24, 3), new Random(3));
        SequenceChecks.FormsAgree(_stream, layer, 24, Tolerance);
        SequenceChecks.StreamsKeepTheirState(_stream, layer, 24);
    }

    [Fact]
    public void LanguageModelStreamsItsTokens()
    {
        const int Width = 16, Vocabulary = 19, Length = 12;
        using var model = Model(Width, Vocabulary);
        int[] tokens = [.. Enumerable.Range(0, 2 * Length).Select(i => i * 7 % Vocabulary)];
        using var input = DeviceTensor.From<int>(_stream, tokens, 2, Length);
        var tape = new Tape();
        var logits = model.Forward(tape.Input(input));
        using var program = tape.Compile(_stream, logits.Sum(), null, logits);
        program.Run();
        var parallel = program.Read(logits).ToArray<float>(_stream);

        using var state = new SequenceState(_stream, 2);
        using var streaming = model.ToStreaming(state);
        using var prompt = new SequenceSession(state, streaming, DType.Int32, 2, Length - 1);
        using var step = new SequenceSession(state, streaming, DType.Int32, 2, 1);
        prompt.Step([.. tokens[..(Length - 1)], .. tokens[Length..^1]], new float[2 * (Length - 1) * Vocabulary]);
        var last = new float[2 * Vocabulary];
        step.Step([tokens[Length - 1], tokens[^1]], last);
        SequenceChecks.AssertClose([.. parallel[((Length - 1) * Vocabulary)..(Length * Vocabulary)], .. parallel[^Vocabulary..]], last, Tolerance);
    }

    [Fact]
    public void TokensWithoutEndNeedNoMoreMemory()
    {
        using var model = Model(16, 19);
        using var state = new SequenceState(_stream, 1);
        using var streaming = model.ToStreaming(state);
        using var step = new SequenceSession(state, streaming, DType.Int32, 1, 1);
        var logits = new float[19];
        _stream.Pool.ResetPeak();
        var before = _stream.Pool.Statistics.PeakInUseBytes;
        Span<int> token = [3];
        for (var t = 0; t < 5000; t++)
        {
            step.Step<int>(token, logits);
            token[0] = logits.AsSpan().IndexOf(logits.Max());
        }
        Assert.Equal(before, _stream.Pool.Statistics.PeakInUseBytes);
        Assert.All(logits, v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void Trains()
    {
        using var model = Model(16, 19);
        int[] tokens = [.. Enumerable.Range(0, 24).Select(i => i * 5 % 19)];
        using var input = DeviceTensor.From<int>(_stream, tokens.AsSpan(..^1), 1, 23);
        using var targets = DeviceTensor.From<int>(_stream, tokens.AsSpan(1), 23);
        var tape = new Tape();
        var loss = model.Forward(tape.Input(input)).Reshape(23, 19).CrossEntropy(tape.Input(targets)).Mean();
        using var program = tape.Compile(_stream, loss);
        using var optimizer = new Optimizer(_stream, new OptimizerOptions(), tape.Parameters);
        program.Run();
        var first = program.ReadLoss();
        for (var i = 0; i < 60; i++)
        {
            optimizer.Step(3e-3f);
            optimizer.ClearGradients();
            program.Run();
        }
        Assert.True(program.ReadLoss() < first / 4, $"{first} -> {program.ReadLoss()}");
    }

    [Theory]
    [InlineData(768, 24, 129_135_360)]
    [InlineData(1024, 48, 371_516_416)]
    [InlineData(1536, 48, 793_204_224)]
    [InlineData(2048, 48, 1_372_178_432)]
    [InlineData(2560, 64, 2_768_345_600)]
    public void MambaSizes(int width, int layers, long parameters) =>
        Assert.Equal(parameters, 50280L * width + layers * (new MambaOptions(width).ParameterCount + width) + width);

    [Theory]
    [InlineData(768, 24, 128_989_632)]
    [InlineData(1024, 48, 368_346_624)]
    [InlineData(1536, 48, 780_161_280)]
    [InlineData(2048, 48, 1_343_757_312)]
    [InlineData(2560, 64, 2_702_599_680)]
    public void Mamba2Sizes(int width, int layers, long parameters) =>
        Assert.Equal(parameters, 50288L * width + layers * (new Mamba2Options(width).ParameterCount + width) + width);

    [Fact]
    public void FormulasCountTheParametersThereAre()
    {
        var (first, second) = (new MambaOptions(24), new Mamba2Options(24) { HeadSize = 12, StateSize = 7, Groups = 2 });
        using var mamba = new MambaMixer(_stream, "m", first, new Random(1));
        using var mamba2 = new Mamba2Mixer(_stream, "m", second, new Random(1));
        Assert.Equal(first.ParameterCount, mamba.Parameters.Sum(p => p.Value.ElementCount));
        Assert.Equal(second.ParameterCount, mamba2.Parameters.Sum(p => p.Value.ElementCount));
    }

    [Fact]
    public void StepSizesAndDecaysStartAsPublished()
    {
        Assert.Equal(-6.907255, MambaMixer.InverseSoftplus(0.001), 6);
        Assert.Equal(-2.252168, MambaMixer.InverseSoftplus(0.1), 6);
        Assert.Equal([0.96875, 0.984375, 0.9921875, 0.99609375], Enumerable.Range(0, 4).Select(RetentionOptions.Decay));
    }

    [Fact]
    public void WrongStateIsRefused()
    {
        using var mixer = new MambaMixer(_stream, "mixer", new MambaOptions(8), new Random(1));
        using var state = new SequenceState(_stream, 2);
        using var streaming = mixer.ToStreaming(state);
        Assert.Contains("bytes", Assert.Throws<ArgumentException>(() => state.Load(new byte[12])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SequenceSession(state, streaming, DType.Float32, 3, 1, 8));
    }

    private LanguageModel Model(int width, int vocabulary)
    {
        var (rms, random) = (new LayerNormOptions { Rms = true }, new Random(11));
        return new LanguageModel(_stream, vocabulary, width, rms, tied: true, random,
            new ResidualLayer(_stream, "layers.0", width, rms, new MambaMixer(_stream, "layers.0.mixer", new MambaOptions(width), random, 3)),
            new ResidualLayer(_stream, "layers.1", width, rms, new Mamba2Mixer(_stream, "layers.1.mixer", new Mamba2Options(width) { HeadSize = 8, StateSize = 16 }, random, 3)),
            new ResidualLayer(_stream, "layers.2", width, rms, new RetentionLayer(_stream, "layers.2.mixer", new RetentionOptions(width, 2), random)));
    }
}
