using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Eval;

/// <summary>What is measured: by whose rules, and which numbers are shown.</summary>
internal sealed record Metric(string Name, EvaluationOptions Options, Func<EvaluationResult, IReadOnlyList<(string Name, double Value)>> Numbers)
{
    internal static IReadOnlyList<Metric> All { get; } =
    [
        new("coco", new EvaluationOptions(), r =>
        {
            var m = CocoMetrics.From(r);
            return
            [
                ("AP", m.Ap), ("AP50", m.Ap50), ("AP75", m.Ap75), ("APsmall", m.ApSmall), ("APmedium", m.ApMedium), ("APlarge", m.ApLarge),
                ("AR1", m.Ar1), ("AR10", m.Ar10), ("AR100", m.Ar100), ("ARsmall", m.ArSmall), ("ARmedium", m.ArMedium), ("ARlarge", m.ArLarge),
            ];
        }),
        new("voc", EvaluationOptions.Voc, r => [("mAP50", r.AveragePrecision()), ("recall", r.AverageRecall())]),
        new("voc2007", EvaluationOptions.Voc2007, r => [("mAP50", r.AveragePrecision()), ("recall", r.AverageRecall())]),
        new("faces", EvaluationOptions.Faces, r =>
            [.. r.Options.Sizes.SelectMany(s => new[] { ($"AP50, {s.Name}", r.AveragePrecision(size: s.Name)), ($"recall, {s.Name}", r.AverageRecall(size: s.Name)) })]),
    ];

    internal static Metric Of(string? name, LabelFormat format) => All.First(m => m.Name == (name ?? format switch
    {
        LabelFormat.Voc => "voc",
        LabelFormat.Wider => "faces",
        _ => "coco",
    }));
}
