namespace Fovea.Interop;

/// <summary>One place where the native library was looked for.</summary>
/// <param name="Origin">Why this place: the environment variable, the application's folder, the system.</param>
/// <param name="Path">The file that was tried.</param>
/// <param name="Failure">Why it could not be used; null for the one that was loaded.</param>
public sealed record LoadAttempt(string Origin, string Path, string? Failure)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path} ({Origin}): {Failure ?? "loaded"}";
}
