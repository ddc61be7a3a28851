using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;

namespace Fovea.Data;

/// <summary>Packages of npm and Debian as files.</summary>
internal static class PackageArchive
{
    private const string Debian = "deb:";

    /// <summary>Puts the archive of a package into a folder and returns its path.</summary>
    /// <param name="spec">"name@version", or "deb:name@version"; Debian gives the version that the system's sources have.</param>
    /// <param name="folder">An empty folder.</param>
    /// <exception cref="IOException">The package cannot be had.</exception>
    internal static string Download(string spec, string folder)
    {
        var name = spec[..spec.LastIndexOf('@')];
        if (name.StartsWith(Debian, StringComparison.Ordinal))
            Run("apt-get", ["download", "-q", name[Debian.Length..]], folder, spec, "it comes with Debian and its relatives");
        else
            Run("npm", ["pack", spec, "--loglevel=error", "--no-update-notifier", "--ignore-scripts"], folder, spec, "install Node.js with npm");
        return Directory.EnumerateFiles(folder).SingleOrDefault(f => Path.GetExtension(f) is ".tgz" or ".deb") ??
            throw new IOException($"there is no archive of {spec} after its download");
    }

    /// <summary>The tar archive inside of a package.</summary>
    /// <exception cref="IOException">dpkg-deb, which opens packages of Debian, cannot be started.</exception>
    internal static Stream Open(string archive)
    {
        if (Path.GetExtension(archive) != ".deb") return new GZipStream(File.OpenRead(archive), CompressionMode.Decompress);
        using var dpkg = Start("dpkg-deb", ["--fsys-tarfile", archive], Path.GetDirectoryName(archive)!, archive, "it comes with Debian and its relatives");
        // It ends when all is read, or when this end of the pipe is closed.
        return dpkg.StandardOutput.BaseStream;
    }

    private static void Run(string program, string[] arguments, string folder, string spec, string remedy)
    {
        using var process = Start(program, arguments, folder, spec, remedy);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        _ = output.Result;
        if (process.ExitCode != 0) throw new IOException($"{program} could not download {spec}: {error.Trim()}");
    }

    private static Process Start(string program, string[] arguments, string folder, string spec, string remedy)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program}, which {spec} needs, cannot be started: {e.Message}; {remedy}", e);
        }
    }
}
