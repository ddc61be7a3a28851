namespace Fovea.Cli.Experiments.Ranking;

/// <summary>Rules by which detections are ranked, by number.</summary>
internal static class RankingRule
{
    internal const int ClassAlone = 0, TimesCenterness = 1, Aware = 2, Truth = 3;

    /// <summary>What tables call them.</summary>
    internal static IReadOnlyList<string> All { get; } = ["class", "class * centerness", "IoU-aware class", "true IoU"];
}
