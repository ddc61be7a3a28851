using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fovea.Data;
using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea generate</c>: text from a language model whose tokens are bytes.</summary>
internal static class GenerateCommand
{
    private const int ByteTokens = 256;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static Command Create(CliConsole console)
    {
        var model = new Option<string>("--model") { HelpName = "FILE", Description = "An RWKV model file of rwkv.cpp (FP32 or FP16, a vocabulary of bytes).", Required = true };
        var prompt = new Option<string>("--prompt") { HelpName = "TEXT", Description = "What the text begins with; a line feed when nothing is said." };
        var tokens = NumberOption.Create<int>("--tokens", "How many bytes to generate (100).", n => n is >= 1 and <= 1_000_000, "must lie between 1 and 1000000");
        var temperature = NumberOption.Create<float>("--temperature", "Divides the logits; 0 takes the likeliest (1).", t => t >= 0 && float.IsFinite(t), "must be a number from 0");
        var topK = NumberOption.Create<int>("--top-k", "Chooses among the likeliest N (all).", k => k >= 1, "must be at least 1");
        var topP = NumberOption.Create<float>("--top-p", "Chooses among the fewest that are this likely together (1).", p => p is > 0 and <= 1, "must be above 0 and at most 1");
        var seed = NumberOption.Create<ulong>("--seed", "The same seed gives the same text (0).", _ => true, "must be a whole number from 0");
        var weights = new Option<string>("--weights") { HelpName = "FORMAT", Description = "How matrices are kept: f32, bf16 or int8 (f32)." };
        weights.AcceptOnlyFromAmong("f32", "bf16", "int8");
        var json = new Option<bool>("--json") { Description = "One JSON object at the end instead of text as it comes." };
        var command = new Command("generate", "Continues a text.\n\n" + ExitCode.Help) { model, prompt, tokens, temperature, topK, topP, seed, weights, json };
        command.SetAction(parsed =>
        {
            var sampling = new SamplingOptions
            {
                Temperature = parsed.GetValue(temperature) ?? 1,
                TopK = parsed.GetValue(topK) ?? 0,
                TopP = parsed.GetValue(topP) ?? 1,
                Seed = parsed.GetValue(seed) ?? 0,
            };
            var text = parsed.GetValue(prompt);
            var format = parsed.GetValue(weights) switch
            {
                "bf16" => WeightFormat.BFloat16,
                "int8" => WeightFormat.Int8,
                _ => WeightFormat.Float32,
            };
            return Run(console, parsed.GetValue(model)!, format, string.IsNullOrEmpty(text) ? "\n" : text, parsed.GetValue(tokens) ?? 100, sampling, parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(CliConsole console, string path, WeightFormat format, string prompt, int count, SamplingOptions sampling, bool isJson)
    {
        using var stream = Device.Cpu.CreateStream();
        RwkvModel model;
        try
        {
            model = RwkvModel.Load(stream, path, format);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or RwkvFileException)
        {
            console.Fail(e.Message);
            return ExitCode.ModelUnavailable;
        }
        using (model)
        {
            if (model.Options.Vocabulary != ByteTokens)
            {
                console.Fail($"{path}: the vocabulary has {model.Options.Vocabulary} tokens, only bytes can be shown");
                return ExitCode.ModelUnavailable;
            }
            using var session = new RwkvSession(model, stream);
            var text = new StringBuilder();
            using var shown = isJson ? new StringWriter(text) : null;
            var run = Generate(session, new TokenSampler(ByteTokens, sampling), Encoding.UTF8.GetBytes(prompt), count, shown ?? console.Out);
            if (isJson) console.Out.WriteLine(Json(path, prompt, text.ToString(), run));
            else console.Out.WriteLine();
            console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"prompt: {run.PromptTokens} tokens in {run.Prompt.TotalMilliseconds:0.0} ms; generated: {run.Tokens} tokens in {run.Total.TotalMilliseconds:0.0} ms, {run.Rate:0} tokens per second"));
            return ExitCode.Ok;
        }
    }

    private static Generated Generate(RwkvSession session, TokenSampler sampler, byte[] prompt, int count, TextWriter output)
    {
        var logits = new float[ByteTokens];
        var start = Stopwatch.GetTimestamp();
        session.Prefill(Array.ConvertAll(prompt, b => (int)b), logits);
        var promptTime = Stopwatch.GetElapsedTime(start);
        // Characters appear when their last byte is there; bytes that are none become U+FFFD.
        var decoder = Encoding.UTF8.GetDecoder();
        Span<char> characters = stackalloc char[4];
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var token = sampler.Next(logits);
            output.Write(characters[..decoder.GetChars([(byte)token], characters, flush: i + 1 == count)]);
            output.Flush();
            session.Step([token], logits);
        }
        return new Generated(prompt.Length, promptTime, count, Stopwatch.GetElapsedTime(start));
    }

    private static string Json(string model, string prompt, string text, Generated run)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteString("prompt", prompt);
            json.WriteString("text", text);
            json.WriteNumber("promptTokens", run.PromptTokens);
            json.WriteNumber("promptMilliseconds", Math.Round(run.Prompt.TotalMilliseconds, 3));
            json.WriteNumber("tokens", run.Tokens);
            json.WriteNumber("milliseconds", Math.Round(run.Total.TotalMilliseconds, 3));
            json.WriteNumber("tokensPerSecond", Math.Round(run.Rate, 1));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private readonly record struct Generated(int PromptTokens, TimeSpan Prompt, int Tokens, TimeSpan Total)
    {
        public double Rate => Tokens / Total.TotalSeconds;
    }
}
