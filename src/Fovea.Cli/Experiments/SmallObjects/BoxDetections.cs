using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.SmallObjects;

/// <summary>Detections in a list of images.</summary>
internal sealed record BoxDetections(IReadOnlyList<ScoredBox> Boxes)
{
    /// <summary>What a detection needs of an object to have found it.</summary>
    internal const double LeastIou = 0.5;

    /// <summary>Detections of an image pyramid as one list. Each scale answers for the octave of sizes that it brings to half of
    /// <paramref name="mostSide"/> up to all of it, with a quarter to spare, the first scale also for larger ones and the last for smaller
    /// ones; of boxes of a class that overlap, the best is kept.</summary>
    /// <param name="scales">Factors of the images, each twice the one before, and what was found.</param>
    /// <param name="mostSide">Longer side of the largest objects of training, in pixels.</param>
    internal static BoxDetections Merge(IReadOnlyList<(int Factor, BoxDetections Found)> scales, double mostSide)
    {
        var kept = new List<ScoredBox>();
        var all = scales.SelectMany(s => s.Found.Boxes.Where(b =>
        {
            var side = s.Factor * Math.Max(b.Box.Width, b.Box.Height);
            return (side >= mostSide / 2 / 1.25 || s == scales[^1]) && (side <= mostSide * 1.25 || s == scales[0]);
        }));
        foreach (var image in all.GroupBy(b => b.Image).OrderBy(g => g.Key))
        {
            var first = kept.Count;
            foreach (var box in image.OrderByDescending(b => b.Score))
                if (!kept.Skip(first).Any(k => k.Category == box.Category && k.Box.Iou(box.Box) > LeastIou)) kept.Add(box);
        }
        return new BoxDetections(kept);
    }

    /// <summary>Which objects of the images are found, in their order, by the best <paramref name="perImage"/> detections of each image: best
    /// detection first, each takes the free object of its class that it overlaps most.</summary>
    internal bool[][] Finds(IReadOnlyList<LabelledImage> images, int perImage)
    {
        var found = images.Select(i => new bool[i.Objects.Count]).ToArray();
        foreach (var image in Boxes.GroupBy(b => b.Image))
            foreach (var box in image.OrderByDescending(b => b.Score).Take(perImage))
            {
                var (best, bestIou) = (-1, LeastIou);
                for (var i = 0; i < found[image.Key].Length; i++)
                {
                    var o = images[image.Key].Objects[i];
                    var iou = o.Class == box.Category && !found[image.Key][i] ? box.Box.Iou(BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2)) : 0;
                    if (iou >= bestIou) (best, bestIou) = (i, iou);
                }
                if (best >= 0) found[image.Key][best] = true;
            }
        return found;
    }
}
