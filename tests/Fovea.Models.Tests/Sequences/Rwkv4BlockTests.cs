using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Rwkv;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences;

public sealed class Rwkv4BlockTests : IDisposable
{
    private static readonly RwkvOptions Options = new() { Version = RwkvVersion.V4, Vocabulary = 19, Width = 24, Layers = 3, Hidden = 40 };

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void FormsAgree(int layer)
    {
        using var block = new Rwkv4Block(_stream, "blocks.x", Options, layer, new Random(1));
        Scramble(block);
        // Some hundred products and exponentials in another order, and norms that scale their roundings by a few.
        SequenceChecks.FormsAgree(_stream, block, Options.Width, 2e-5);
        SequenceChecks.StreamsKeepTheirState(_stream, block, Options.Width);
    }

    [Fact]
    public void ANewBlockIsTheIdentity()
    {
        using var block = new Rwkv4Block(_stream, "blocks.1", Options, 1, new Random(1));
        var x = SequenceChecks.Values(2 * 7 * Options.Width, 3);
        Assert.Equal(x, SequenceChecks.Parallel(_stream, block, x, 2, 7, Options.Width));
    }

    [Fact]
    public void InitialValuesDependOnChannelAndDepth()
    {
        using var last = new Rwkv4Block(_stream, "b", Options, 2, new Random(1));
        float[] Values(string name) => last.Parameters.Single(p => p.Name == $"b.{name}").Value.ToArray<float>(_stream);
        var decay = Values("att.time_decay");
        Assert.Equal((-5, 3), (decay[0], decay[^1]));
        Assert.Equal(-5 + 8 * Math.Pow(12 / 23.0, 2), decay[12], 1e-5);
        Assert.Equal([Math.Log(0.3), Math.Log(0.3) + 0.5, Math.Log(0.3) - 0.5], Values("att.time_first")[..3].Select(x => (double)x), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(Math.Pow(0.5, 1 / 3.0), Values("att.time_mix_k")[12], 1e-6);
        Assert.Equal(Math.Pow(0.5, 1 / 3.0) + 0.3, Values("att.time_mix_v")[12], 1e-6);
        Assert.Equal(Math.Pow(0.5, 1 / 6.0), Values("att.time_mix_r")[12], 1e-6);
    }

    [Fact]
    public void AModelHasTheParametersOfTheFormula()
    {
        var random = new Random(2);
        using var model = new LanguageModel(_stream, Options.Vocabulary, Options.Width, new LayerNormOptions(), tied: false, random,
            [.. Enumerable.Range(0, Options.Layers).Select(i => new Rwkv4Block(_stream, $"blocks.{i}", Options, i, random))]);
        Assert.Equal(Options.ParameterCount, model.Parameters.Sum(p => p.Value.ElementCount));
    }

    // Zeros would hide what the matrices do.
    private void Scramble(Rwkv4Block block)
    {
        var seed = 0;
        foreach (var parameter in block.Parameters)
        {
            var values = SequenceChecks.Values((int)parameter.Value.ElementCount, ++seed);
            parameter.Value.CopyFrom<float>(_stream, Array.ConvertAll(values, x => 0.3f * x));
        }
    }
}
