using System.CommandLine;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Models.Sequences.Speech;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea speech-segments</c>: where somebody speaks in recordings.</summary>
internal static class SpeechSegmentsCommand
{
    internal static Command Create(CliConsole console, ModelStore store)
    {
        var files = FilesArgument.Create("FILE", "WAVE files of 16 kHz.");
        var threshold = NumberOption.Create<float>(
            "--threshold", "Probability at which speech begins [default: 0.5].", t => t is > 0 and <= 1, "must be above 0 and at most 1");
        var json = new Option<bool>("--json") { Description = "One JSON object per segment." };
        var command = new Command("speech-segments",
            "Lists where somebody speaks: file, begin and end in seconds.\n\nThe model is silero-vad: fovea models fetch silero-vad.\n\n" + ExitCode.Help)
        {
            files, threshold, json,
        };
        command.SetAction(parsed => Run(console, store, parsed.GetValue(files)!, parsed.GetValue(threshold) ?? 0.5f, parsed.GetValue(json)));
        return command;
    }

    private static int Run(CliConsole console, ModelStore store, string[] files, float threshold, bool json)
    {
        var options = new SpeechSegmentOptions { Threshold = threshold, EndThreshold = Math.Max(0, threshold - 0.15f) };
        using var stream = Device.Cpu.CreateStream();
        SileroVad net;
        try
        {
            net = SileroVad.Load(stream, store);
        }
        catch (Exception e) when (e is ModelNotInstalledException or IOException or InvalidDataException or FormatException)
        {
            console.Fail(e.Message);
            return ExitCode.ModelUnavailable;
        }
        using (net)
        using (var detector = new SpeechDetector(stream, net))
        {
            var code = ExitCode.Ok;
            foreach (var file in files)
            {
                try
                {
                    var audio = WaveFile.Load(file);
                    if (audio.SampleRate != SileroVad.SampleRate)
                        throw new FormatException($"{file}: {audio.SampleRate} Hz instead of {SileroVad.SampleRate}: resample it first");
                    foreach (var segment in detector.Find(audio.Samples, options)) Write(console, file, segment, json);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
                {
                    console.Fail(e.Message);
                    code = ExitCode.SomeFileFailed;
                }
            }
            return code;
        }
    }

    private static void Write(CliConsole console, string file, SpeechSegment segment, bool json)
    {
        var (begin, end) = (Seconds(segment.Start), Seconds(segment.End));
        console.Out.WriteLine(json
            ? JsonLine.Of(writer =>
            {
                writer.WriteString("file", file);
                writer.WritePropertyName("begin");
                writer.WriteRawValue(begin);
                writer.WritePropertyName("end");
                writer.WriteRawValue(end);
            })
            : $"{file}\t{begin}\t{end}");
    }

    private static string Seconds(long samples) => ((double)samples / SileroVad.SampleRate).ToString("F3", CultureInfo.InvariantCulture);
}
