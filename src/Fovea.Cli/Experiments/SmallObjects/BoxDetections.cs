using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.SmallObjects;

/// <summary>Detections in a list of images.</summary>
internal sealed record BoxDetections(IReadOnlyList<ScoredBox> Boxes)
{
    /// <summary>What a detection needs of an object to have found it.</summary>
    internal const double LeastIou = 0.5;

    /// <summary>Detections of several scales as one list: of boxes of a class that overlap, the best.</summary>
    /// <param name="scales">Factor of the images, and what was found at it.</param>
    /// <param name="mostSide">Longer side of the largest objects of training: a scale does not answer for what it makes larger.</param>
    internal static BoxDetections Merge(IEnumerable<(int Factor, BoxDetections Found)> scales, double mostSide)
    {
        var kept = new List<ScoredBox>();
        var all = scales.SelectMany(s => s.Found.Boxes.Where(b => s.Factor * Math.Max(b.Box.Width, b.Box.Height) <= mostSide || s.Factor == 1));
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
