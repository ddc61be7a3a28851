using System.CommandLine;
using System.Globalization;
using Fovea.Cli.Output;
using Fovea.Data;
using Fovea.Models.TextRecognition;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea read-text</c>: what is written in pictures of single lines.</summary>
internal static class ReadTextCommand
{
    internal static Command Create(CliConsole console, ModelStore store)
    {
        var files = FilesArgument.Create("FILE", "Pictures of one line of text each.");
        var json = new Option<bool>("--json") { Description = "One JSON object per picture." };
        var command = new Command("read-text",
            "Reads lines of Chinese or English: file, confidence (0 to 1) and text.\n\n" +
            "The model is ppocr-v4-rec: fovea models fetch ppocr-v4-rec.\n\n" + ExitCode.Help)
        {
            files, json,
        };
        command.SetAction(parsed => Run(console, store, parsed.GetValue(files)!, parsed.GetValue(json)));
        return command;
    }

    private static int Run(CliConsole console, ModelStore store, string[] files, bool json)
    {
        using var stream = Device.Cpu.CreateStream();
        PpOcrRecognizer net;
        try
        {
            net = PpOcrRecognizer.Load(stream, store);
        }
        catch (Exception e) when (e is ModelNotInstalledException or IOException or InvalidDataException or FormatException)
        {
            console.Fail(e.Message);
            return ExitCode.ModelUnavailable;
        }
        using (net)
        using (var recognizer = new TextRecognizer(stream, net))
        {
            var code = ExitCode.Ok;
            foreach (var file in files)
            {
                try
                {
                    var image = ImageFile.LoadRgb(file);
                    if (!TextRecognizer.Fits(image))
                        throw new FormatException($"{file}: {image.Width}x{image.Height} is too wide for one line of text");
                    Write(console.Out, file, recognizer.Recognize(image), json);
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

    private static void Write(TextWriter output, string file, RecognizedText read, bool json) => output.WriteLine(json
        ? JsonLine.Of(writer =>
        {
            writer.WriteString("file", file);
            writer.WriteString("text", read.Text);
            writer.WriteNumber("confidence", Math.Round(read.Confidence, 4));
        })
        : string.Create(CultureInfo.InvariantCulture, $"{file}\t{read.Confidence:F4}\t{read.Text}"));
}
