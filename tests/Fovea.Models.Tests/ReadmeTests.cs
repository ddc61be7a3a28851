using System.Runtime.CompilerServices;
using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Mamba;
using Fovea.Models.Sequences.Retention;

namespace Fovea.Models.Tests;

/// <summary>The example of the README on sequences, compiled and run; the text of both must be the same.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void TheExampleRuns()
    {
        var logits = Example();
        Assert.All(logits, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(logits, Example());
    }

    [Fact]
    public void TheReadmeShowsExactlyThisExample()
    {
        var file = ThisFile();
        var lines = File.ReadAllLines(file);
        int begin = Array.FindIndex(lines, l => l.Trim() == "// begin"), end = Array.FindIndex(lines, l => l.Trim() == "// end");
        var example = string.Join('\n', lines[(begin + 1)..end].Select(l => l.Length == 0 ? l : l[8..]));
        Assert.Contains(example, File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "README.md")), StringComparison.Ordinal);
    }

    private static string ThisFile([CallerFilePath] string file = "") => file;

    private static float[] Example()
    {
        // begin
        using var stream = Device.Cpu.CreateStream();
        var (norm, random) = (new LayerNormOptions { Rms = true }, new Random(1));
        using var model = new LanguageModel(stream, vocabulary: 256, width: 64, norm, tied: true, random,
            new ResidualLayer(stream, "0", 64, norm, new MambaMixer(stream, "0.mixer", new MambaOptions(64), random)),
            new ResidualLayer(stream, "1", 64, norm, new RetentionLayer(stream, "1.mixer", new RetentionOptions(64, heads: 4), random)));
        // model.Forward(tape.Input(tokens)) records the parallel form, which is trained; the streaming form has the same weights.

        using var state = new SequenceState(stream, streams: 1); // of constant size; Save and Load continue bit for bit
        using var streaming = model.ToStreaming(state);
        using var step = new SequenceSession(state, streaming, DType.Int32, 1, 1);
        var logits = new float[256];
        foreach (var letter in "Fovea"u8) step.Step([(int)letter], logits); // one captured graph per token
        // end
        return logits;
    }
}
