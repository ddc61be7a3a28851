using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Fovea.Bench.Measure;

/// <summary>What a number needs beside it to mean anything: processor, software versions, commit, load.</summary>
public static partial class Machine
{
    /// <summary>The processor as the operating system names it, with family and model where the name alone is vague.</summary>
    public static string Processor => CpuInfo("model name") is { } name
        ? $"{name} (family {CpuInfo("cpu family")}, model {CpuInfo("model")})"
        : RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Folder name of this kind of machine: <c>amd-epyc-family26-model2-2cores</c>.</summary>
    public static string Slug
    {
        get
        {
            string name = $"{CpuInfo("model name") ?? RuntimeInformation.ProcessArchitecture.ToString()}";
            if (!name.Any(char.IsDigit)) name += $" family{CpuInfo("cpu family")} model{CpuInfo("model")}";
            return NotSlug().Replace($"{name} {Environment.ProcessorCount}cores".ToLowerInvariant(), "-").Trim('-');
        }
    }

    /// <summary>One line each: what a report states at its top.</summary>
    public static IEnumerable<string> Describe()
    {
        yield return $"Processor: {Processor}, {Environment.ProcessorCount} logical cores";
        yield return $"System: {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
        yield return $"Commit: {Commit()}, {DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC";
        yield return $"Load average at the start: {Load()}";
    }

    /// <summary>Load averages of 1, 5 and 15 minutes, or "unknown".</summary>
    public static string Load() => File.Exists("/proc/loadavg") ? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]) : "unknown";

    /// <summary>Short hash of the checked-out commit, with "+ changes" when the tree is not clean.</summary>
    public static string Commit() =>
        Git("rev-parse --short HEAD") is { Length: > 0 } hash ? hash + (Git("status --porcelain") is { Length: > 0 } ? " + changes" : "") : "unknown";

    /// <summary>Root of the checkout that the program was started in, or the current folder.</summary>
    public static string RepositoryRoot() => Git("rev-parse --show-toplevel") is { Length: > 0 } root ? root : Environment.CurrentDirectory;

    /// <summary>Where results of this kind of machine are kept in that checkout; made if need be.</summary>
    public static string ResultsFolder() => Directory.CreateDirectory(Path.Combine(RepositoryRoot(), "benchmarks", "results", Slug)).FullName;

    private static string? CpuInfo(string key)
    {
        if (!File.Exists("/proc/cpuinfo")) return null;
        var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l[..Math.Max(0, l.IndexOf(':', StringComparison.Ordinal))].Trim() == key);
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private static string Git(string arguments)
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string text = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 ? text : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return ""; // git is not installed
        }
    }

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NotSlug();
}
