using Fovea.Data;

namespace Fovea.Cli.Detectors;

/// <summary>The detectors that <c>--model</c> chooses from.</summary>
internal static class DetectorCatalog
{
    internal static string[] Names { get; } = ["mtcnn"];

    /// <summary>Loads the detector that <paramref name="options"/> name, with the weights of the user's cache.</summary>
    internal static IDetector Create(DetectorOptions options) => options.Model switch
    {
        "mtcnn" => new MtcnnDetector(options, new ModelStore()),
        var name => throw new ArgumentException($"there is no detector '{name}'", nameof(options)),
    };
}
