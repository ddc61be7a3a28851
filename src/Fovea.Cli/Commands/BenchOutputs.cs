namespace Fovea.Cli.Commands;

/// <summary>Where results go besides the terminal.</summary>
/// <param name="Json">File for the rows, or null.</param>
/// <param name="Plot">PNG file for the roofline, or null.</param>
/// <param name="Markdown">File for the report, or null.</param>
/// <param name="Save">Whether the report goes to the results of this machine.</param>
internal sealed record BenchOutputs(string? Json, string? Plot, string? Markdown, bool Save)
{
    /// <summary>The first file that cannot be written, or null.</summary>
    internal string? Impossible() => OutputFiles.Impossible(Json, Plot, Markdown);
}
