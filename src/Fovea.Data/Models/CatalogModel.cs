namespace Fovea.Data;

/// <summary>A pretrained model or a data set: its files and where they come from.</summary>
/// <param name="Name">Name used by the API and by <c>--model</c>.</param>
/// <param name="Licence">What is known about the files' licence and origin.</param>
/// <param name="Files">Files, in the order of the table.</param>
public sealed record CatalogModel(string Name, string Licence, IReadOnlyList<CatalogFile> Files)
{
    /// <summary>Whether the weights come with <see cref="InstallCommand"/> alone, not at set-up.</summary>
    public bool IsOnDemand => Files.Any(f => f.IsOnDemand);

    /// <summary>The command that brings the weights.</summary>
    public string InstallCommand => IsOnDemand ? $"fovea models fetch {Name}" : ModelStore.InstallCommand;
}
