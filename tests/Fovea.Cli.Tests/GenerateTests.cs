using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class GenerateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-generate-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void TheSameSeedGivesTheSameText()
    {
        string model = Model();
        // Hot enough for every byte to have its chance.
        string[] Command(string seed) => ["generate", "--model", model, "--prompt", "ab", "--tokens", "30", "--temperature", "8", "--seed", seed];
        var first = CliResult.Of([.. Command("5"), "--json"]);
        Assert.Equal((0, 1), (first.ExitCode, first.Lines.Length));
        using var json = JsonDocument.Parse(first.Out);
        string text = json.RootElement.GetProperty("text").GetString()!;
        Assert.Equal((2, 30), (json.RootElement.GetProperty("promptTokens").GetInt32(), json.RootElement.GetProperty("tokens").GetInt32()));
        Assert.Contains("prompt: 2 tokens", first.Error, StringComparison.Ordinal);
        Assert.Contains("tokens per second", first.Error, StringComparison.Ordinal);

        Assert.Equal(text + "\n", CliResult.Of(Command("5")).Out);
        Assert.NotEqual(text + "\n", CliResult.Of(Command("6")).Out);
    }

    // The embedding of token t is the unit vector of channel t mod 4, which the head turns into 'a' + t mod 4.
    [Fact]
    public void GreedyTextIsWhatTheWeightsSay()
    {
        string model = Model();
        foreach (string[] options in (string[][])[["--temperature", "0"], ["--top-k", "1"], ["--top-p", "0.01"], ["--top-k", "1", "--weights", "bf16"], ["--top-k", "1", "--weights", "int8"]])
        {
            var result = CliResult.Of(["generate", "--model", model, "--prompt", "d", "--tokens", "6", .. options]);
            Assert.Equal((0, "abcdab\n"), (result.ExitCode, result.Out));
        }
    }

    [Fact]
    public void BadFilesAndOptionsAreNamed()
    {
        string bad = Path.Combine(_folder.FullName, "bad.bin");
        File.WriteAllText(bad, "this is no model, but long enough for a header");
        var result = CliResult.Of(["generate", "--model", bad]);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("bad.bin: it does not begin as an RWKV model file", result.Error, StringComparison.Ordinal);
        Assert.Equal(3, CliResult.Of(["generate", "--model", Path.Combine(_folder.FullName, "none.bin")]).ExitCode);
        result = CliResult.Of(["generate", "--model", Model(vocabulary: 8)]);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("the vocabulary has 8 tokens", result.Error, StringComparison.Ordinal);
        foreach (string[] wrong in (string[][])[["--tokens", "0"], ["--temperature", "-1"], ["--top-p", "0"], ["--top-k", "0"], ["--seed", "x"], ["--weights", "f16"]])
            Assert.Equal(2, CliResult.Of(["generate", "--model", bad, .. wrong]).ExitCode);
        Assert.Equal(2, CliResult.Of(["generate"]).ExitCode);
    }

    // Version 4, one block of zeros: the logits are those of the last token's embedding alone.
    private string Model(int vocabulary = 256)
    {
        const int Width = 4;
        string path = Path.Combine(_folder.FullName, $"model-{vocabulary}.bin");
        using var writer = new BinaryWriter(File.Create(path));
        foreach (int number in (int[])[0x67676d66, 101, vocabulary, Width, 1, 0]) writer.Write(number);
        void Tensor(string name, Func<int, float> value, params int[] shape)
        {
            byte[] key = Encoding.UTF8.GetBytes(name);
            foreach (int number in (int[])[shape.Length, key.Length, 0, .. shape.Reverse()]) writer.Write(number);
            writer.Write(key);
            for (int i = 0; i < shape.Aggregate(1, (a, b) => a * b); i++) writer.Write(value(i));
        }
        Tensor("emb.weight", i => i % Width == i / Width % Width ? 1 : 0, vocabulary, Width);
        // 'a' is 97, channel 1: row 'a' + n of the head looks at the channel of the letter before.
        Tensor("head.weight", i => i / Width is >= 'a' and < 'a' + 4 && i % Width == (i / Width + 3) % Width ? 9 : 0, vocabulary, Width);
        foreach (string norm in (string[])["blocks.0.ln0", "blocks.0.ln1", "blocks.0.ln2", "ln_out"])
        {
            Tensor($"{norm}.weight", _ => 1, Width);
            Tensor($"{norm}.bias", _ => 0, Width);
        }
        foreach (string name in (string[])["att.time_mix_k", "att.time_mix_v", "att.time_mix_r", "att.time_decay", "att.time_first", "ffn.time_mix_k", "ffn.time_mix_r"])
            Tensor($"blocks.0.{name}", _ => 0, Width);
        foreach (string name in (string[])["att.key", "att.value", "att.receptance", "att.output", "ffn.key", "ffn.value", "ffn.receptance"])
            Tensor($"blocks.0.{name}.weight", _ => 0, Width, Width);
        return path;
    }
}
