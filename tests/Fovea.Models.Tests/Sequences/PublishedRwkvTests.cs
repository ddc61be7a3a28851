using System.Runtime.InteropServices;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Models.Tests.Sequences;

/// <summary>The trained models that rwkv.cpp tests itself with, and the logits it expects behind the prompt <c>"in</c>.</summary>
public sealed class PublishedRwkvTests
{
    [Theory]
    [InlineData("4v0-660K", RwkvVersion.V4, "FP32")]
    [InlineData("4v0-660K", RwkvVersion.V4, "FP16")]
    [InlineData("5v1-730K", RwkvVersion.V51, "FP32")]
    [InlineData("5v1-730K", RwkvVersion.V51, "FP16")]
    [InlineData("5v2-730K", RwkvVersion.V52, "FP32")]
    [InlineData("5v2-730K", RwkvVersion.V52, "FP16")]
    [InlineData("7v0-834K", RwkvVersion.V7, "FP32")]
    [InlineData("7v0-834K", RwkvVersion.V7, "FP16")]
    public void LogitsAreTheExpectedOnes(string name, RwkvVersion version, string precision)
    {
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(SharedData.File("models", "rwkv", $"expected-logits-{name}.bin"))).ToArray();
        using var stream = Device.Cpu.CreateStream();
        using var model = RwkvModel.Load(stream, SharedData.File("models", "rwkv", $"tiny-rwkv-{name}-{precision}.bin"));
        Assert.Equal((version, 256), (model.Options.Version, model.Options.Vocabulary));
        // The expected logits are those of the FP32 weights. FP16 ones are off by up to 2^-11 of themselves; so is each matrix product
        // by at most that share of its largest result, and a block has four products one behind the other.
        var tolerance = precision == "FP32" ? 1e-4f : MathF.ScaleB(1, -11) * (4 * model.Options.Layers + 1) * expected.Max(MathF.Abs);

        var logits = new float[256];
        using var session = new RwkvSession(model, stream);
        session.Prefill("\"in"u8.ToArray().Select(b => (int)b).ToArray(), logits);
        AssertClose(expected, logits, tolerance);
        session.State.Reset();
        foreach (var token in "\"in"u8) session.Step([token], logits);
        AssertClose(expected, logits, tolerance);
    }

    private static void AssertClose(float[] expected, float[] actual, float tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= tolerance, $"logit {i}: {actual[i]:R}, expected {expected[i]:R} within {tolerance:R}");
    }
}
