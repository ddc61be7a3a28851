using System.CommandLine;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Models.Sequences.Sentences;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea embed</c>: vectors of sentences, or how alike they are.</summary>
internal static class EmbedCommand
{
    internal static Command Create(CliConsole console, ModelStore store)
    {
        var texts = new Argument<string[]>("TEXT")
        {
            Description = "Sentences; '-', or none, reads lines from standard input.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var json = new Option<bool>("--json") { Description = "JSON: an object per sentence, or one with all similarities." };
        var similarity = new Option<bool>("--similarity") { Description = "The cosine of each pair of sentences in place of the vectors." };
        const string what = "Turns English sentences into vectors of 512 numbers (Universal Sentence Encoder Lite).\n\n";
        var command = new Command("embed", what + ExitCode.Help) { texts, json, similarity };
        command.SetAction(parsed =>
            Run(console, store, Read(parsed.GetValue(texts)!, Console.In), parsed.GetValue(json), parsed.GetValue(similarity)));
        return command;
    }

    /// <summary>The arguments themselves, with the lines of <paramref name="input"/> in place of each '-'.</summary>
    internal static string[] Read(string[] arguments, TextReader input)
    {
        if (arguments.Length == 0) arguments = ["-"];
        return [.. arguments.SelectMany(text => text == "-" ? Lines() : [text])];

        IEnumerable<string> Lines()
        {
            while (input.ReadLine() is { } line) yield return line;
        }
    }

    private static int Run(CliConsole console, ModelStore store, string[] sentences, bool json, bool similarity)
    {
        SentenceEncoder encoder;
        try
        {
            encoder = SentenceEncoder.Load(Device.Cpu, store);
        }
        catch (Exception e) when (e is ModelNotInstalledException or InvalidDataException or IOException)
        {
            console.Fail(e.Message);
            return ExitCode.ModelUnavailable;
        }
        using (encoder)
        {
            using var stream = Device.Cpu.CreateStream();
            var vectors = new float[sentences.Length * SentenceEncoder.Width];
            encoder.Encode(stream, sentences, vectors);
            if (similarity) WriteSimilarity(console.Out, sentences, vectors, json);
            else WriteVectors(console.Out, sentences, vectors, json);
        }
        return ExitCode.Ok;
    }

    private static void WriteVectors(TextWriter output, string[] sentences, float[] vectors, bool json)
    {
        for (var i = 0; i < sentences.Length; i++)
        {
            var vector = vectors.AsSpan(i * SentenceEncoder.Width, SentenceEncoder.Width).ToArray();
            output.WriteLine(json
                ? JsonLine.Of(writer =>
                {
                    writer.WriteString("text", sentences[i]);
                    writer.WriteStartArray("embedding");
                    foreach (var value in vector) writer.WriteNumberValue(value);
                    writer.WriteEndArray();
                })
                : string.Join(' ', vector.Select(v => v.ToString("R", CultureInfo.InvariantCulture))));
        }
    }

    // Vectors have the norm 1, so the cosine is their dot product.
    private static void WriteSimilarity(TextWriter output, string[] sentences, float[] vectors, bool json)
    {
        var rows = Enumerable.Range(0, sentences.Length)
            .Select(i => Enumerable.Range(0, sentences.Length).Select(j => Dot(Vector(i), Vector(j))).ToArray()).ToArray();
        if (!json)
        {
            foreach (var row in rows)
                output.WriteLine(string.Join(' ', row.Select(v => v.ToString("0.000", CultureInfo.InvariantCulture).PadLeft(6))));
            return;
        }
        output.WriteLine(JsonLine.Of(writer =>
        {
            writer.WriteStartArray("texts");
            foreach (var sentence in sentences) writer.WriteStringValue(sentence);
            writer.WriteEndArray();
            writer.WriteStartArray("similarity");
            foreach (var row in rows)
            {
                writer.WriteStartArray();
                foreach (var value in row) writer.WriteNumberValue(Math.Round(value, 6));
                writer.WriteEndArray();
            }
            writer.WriteEndArray();
        }));

        ReadOnlySpan<float> Vector(int index) => vectors.AsSpan(index * SentenceEncoder.Width, SentenceEncoder.Width);
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
