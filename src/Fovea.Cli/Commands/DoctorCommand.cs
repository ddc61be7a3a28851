using System.CommandLine;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea doctor</c>: says what works on this machine and what does not, and why.</summary>
internal static class DoctorCommand
{
    internal static Command Create(CliConsole console)
    {
        var command = new Command("doctor",
            "Reports the native library, devices and drivers, what was refused and why, weights and image codecs.\n\n" + ExitCode.Help);
        command.SetAction(_ => Run(console));
        return command;
    }

    private static int Run(CliConsole console)
    {
        console.Out.WriteLine(FoveaRuntime.Describe().TrimEnd());
        // The CPU is always there; if it fails, no other device can be asked.
        var devices = Report(console, "cpu device", () => TryDevice(Device.Cpu));
        if (devices)
            foreach (var name in Device.Names.Skip(1))
                devices &= Report(console, $"{name} device", () => TryDevice(Device.Open(name)));
        var codecs = Report(console, "image codecs", TryImageCodecs);
        var store = new ModelStore();
        console.Out.WriteLine($"cache: {store.Folder}");
        var weights = true;
        // Weights that come on demand are examined where they are.
        foreach (var model in ModelCatalog.Models.Where(m => !m.IsOnDemand || store.IsInstalled(m.Name)))
            weights &= Report(console, $"weights of {model.Name}", () =>
            {
                foreach (var file in model.Files) store.Read(model.Name, file.Name);
                return $"{model.Files.Count} files, SHA-256 verified";
            });
        return !devices || !codecs ? ExitCode.Internal : weights ? ExitCode.Ok : ExitCode.ModelUnavailable;
    }

    // Memory, a copy to the device, a kernel and a copy back.
    private static string TryDevice(Device device)
    {
        using var stream = device.CreateStream();
        using var x = DeviceTensor.From<float>(stream, [-1, 2, -3, 4], 4);
        Kernels.Activate(stream, Activation.Relu, x, null, x);
        return x.ToArray<float>(stream) is [0, 2, 0, 4]
            ? $"{device.Describe().Name} computes"
            : throw new InvalidDataException("relu(-1, 2, -3, 4) came out wrong");
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
