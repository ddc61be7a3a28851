using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.YoloCell;

/// <summary>What a detector finds of the pairs of <see cref="PairScenes"/>.</summary>
internal sealed class PairRecall
{
    private const double Overlap = 0.5;
    private const float Score = 0.2f; // YOLO v1's threshold

    private readonly int[] _objects = new int[2], _pairs = new int[2]; // in one cell, in two
    private int _scenes;

    /// <summary>Share of the objects of pairs in one cell.</summary>
    public double InOneCell => _objects[0] / (2.0 * _scenes);

    /// <summary>Share of pairs in one cell of which both objects are found.</summary>
    public double BothInOneCell => (double)_pairs[0] / _scenes;

    /// <summary>Share of the objects of pairs in two cells.</summary>
    public double InTwoCells => _objects[1] / (2.0 * _scenes);

    /// <summary>Share of pairs in two cells of which both objects are found.</summary>
    public double BothInTwoCells => (double)_pairs[1] / _scenes;

    /// <summary>Counts a scene. Best first, a detection finds the object of its class that it overlaps most, by half at least, if that is not
    /// found yet.</summary>
    public void Add(LabelledImage scene, IEnumerable<ObjectDetection> detections)
    {
        var isFound = new bool[scene.Objects.Count];
        foreach (var d in detections.TakeWhile(d => d.Score > Score))
        {
            var box = BoxXywh.FromCorners(d.X1, d.Y1, Math.Max(d.X1, d.X2), Math.Max(d.Y1, d.Y2));
            var (best, bestIou) = (-1, Overlap);
            for (var i = 0; i < isFound.Length; i++)
            {
                var o = scene.Objects[i];
                if (isFound[i] || o.Class != d.Class || box.Iou(BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2)) is var iou && iou < bestIou) continue;
                (best, bestIou) = (i, iou);
            }
            if (best >= 0) isFound[best] = true;
        }
        for (var pair = 0; pair < 2; pair++)
        {
            var count = isFound.Skip(2 * pair).Take(2).Count(f => f);
            _objects[pair] += count;
            _pairs[pair] += count == 2 ? 1 : 0;
        }
        _scenes++;
    }
}
