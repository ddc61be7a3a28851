using System.CommandLine;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea doctor</c>: says what works on this machine and what does not, and why.</summary>
internal static class DoctorCommand
{
    internal static Command Create(CliConsole console)
    {
        var command = new Command("doctor", "Reports the native library, devices, weights and image codecs.\n\n" + ExitCode.Help);
        command.SetAction(_ => Run(console));
        return command;
    }

    private static int Run(CliConsole console)
    {
        console.Out.WriteLine(FoveaRuntime.Describe().TrimEnd());
        var native = Report(console, "cpu device", () => Device.Cpu.Name);
        var codecs = Report(console, "image codecs", TryImageCodecs);
        var store = new ModelStore();
        console.Out.WriteLine($"cache: {store.Folder}");
        var weights = true;
        foreach (var model in ModelCatalog.Models)
            weights &= Report(console, $"weights of {model.Name}", () =>
            {
                foreach (var file in model.Files) store.Read(model.Name, file.Name);
                return $"{model.Files.Count} files, SHA-256 verified";
            });
        return !native || !codecs ? ExitCode.Internal : weights ? ExitCode.Ok : ExitCode.ModelUnavailable;
    }

    private static string TryImageCodecs()
    {
        // A 1x1 white GIF: exercises the native codec library without a file.
        var gif = Convert.FromHexString("47494638396101000100800100FFFFFF00000021F90401000001002C00000000010001000002024C01003B");
        var image = ImageFile.DecodeRgb(gif, "self test");
        return $"decoded {image.Width}x{image.Height}";
    }

    private static bool Report(CliConsole console, string what, Func<string> check)
    {
        try
        {
            console.Out.WriteLine($"{what}: ok, {check()}");
            return true;
        }
#pragma warning disable CA1031 // A doctor names every illness and examines on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            console.Out.WriteLine($"{what}: FAILED, {(e.InnerException ?? e).Message}");
            return false;
        }
    }
}
