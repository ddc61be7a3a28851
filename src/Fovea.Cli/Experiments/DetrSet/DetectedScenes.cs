using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Experiments.DetrSet;

/// <summary>What a system without suppression finds in scenes, and what becomes of it under suppression.</summary>
internal sealed class DetectedScenes
{
    private readonly LabelledImage[] _scenes;
    private readonly ObjectDetection[][] _found;
    private readonly AnnotatedDataset _truth;

    private DetectedScenes(LabelledImage[] scenes, ObjectDetection[][] found, IReadOnlyList<string> classes)
    {
        (_scenes, _found) = (scenes, found);
        _truth = new AnnotatedDataset(
            scenes.Select((s, i) => new AnnotatedImage(i, $"{i}", s.Image.Width, s.Image.Height)),
            classes.Select((name, i) => new ObjectCategory(i, name)),
            scenes.SelectMany((s, i) => s.Objects.Select(o => new AnnotatedObject(i, o.Class, BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2)))));
    }

    /// <summary>Detects in all images.</summary>
    internal static DetectedScenes By(DeviceStream stream, DetectionSystem system, ILabelledImages images)
    {
        const int BatchSize = 8;
        using var evaluation = new DetectorEvaluation(stream, system, BatchSize);
        LabelledImage[] scenes = [.. Enumerable.Range(0, (int)images.Count).Select(i => images.Load(i))];
        var found = scenes.Chunk(BatchSize).SelectMany(part => evaluation.Detect(part)).ToArray();
        return new DetectedScenes(scenes, found, images.ClassNames);
    }

    /// <summary>AP, AP50 and duplicates per object behind greedy suppression at an IoU, or without any.</summary>
    internal (double Ap, double Ap50, double Duplicates) Judge(DeviceStream stream, float? iou, double least)
    {
        ObjectDetection[][] left = iou is { } threshold ? [.. _found.Select(f => Suppress(stream, f, threshold))] : _found;
        var boxes = left.SelectMany((list, i) => list.Select(d => new ScoredBox(i, d.Class, BoxOf(d), d.Score))).ToArray();
        var metrics = CocoMetrics.From(DetectionEvaluator.Evaluate(_truth, boxes));
        var (duplicates, objects) = (0, 0);
        for (var i = 0; i < left.Length; i++)
        {
            duplicates += CountDuplicates(_scenes[i].Objects, left[i], least);
            objects += _scenes[i].Objects.Count;
        }
        return (metrics.Ap, metrics.Ap50, (double)duplicates / objects);
    }

    /// <summary>Detections with a score of at least <paramref name="least"/> that name an object (its class, an IoU of at least 0.5) that a better
    /// one has named already.</summary>
    internal static int CountDuplicates(IReadOnlyList<LabelledObject> objects, IEnumerable<ObjectDetection> bestFirst, double least)
    {
        var (isNamed, duplicates) = (new bool[objects.Count], 0);
        foreach (var d in bestFirst)
        {
            if (d.Score < least) break;
            var (best, most) = (-1, 0.5);
            for (var o = 0; o < objects.Count; o++)
            {
                var iou = BoxOf(d).Iou(BoxXywh.FromCorners(objects[o].X1, objects[o].Y1, objects[o].X2, objects[o].Y2));
                if (objects[o].Class == d.Class && iou >= most) (best, most) = (o, iou);
            }
            if (best < 0) continue;
            if (isNamed[best]) duplicates++;
            isNamed[best] = true;
        }
        return duplicates;
    }

    private static ObjectDetection[] Suppress(DeviceStream stream, ObjectDetection[] found, float iou)
    {
        if (found.Length == 0) return found;
        using var boxes = DeviceTensor.From<float>(stream, [.. found.SelectMany(d => (float[])[d.X1, d.Y1, d.X2, d.Y2])], found.Length, 4);
        using var scores = DeviceTensor.From<float>(stream, [.. found.Select(d => d.Score)], found.Length);
        using var classes = DeviceTensor.From<int>(stream, [.. found.Select(d => d.Class)], found.Length);
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, found.Length);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.Nms(stream, new NmsOptions { IouThreshold = iou }, boxes, scores, classes, null, keep, count);
        return [.. keep.ToArray<int>(stream).Take(count.ToArray<int>(stream)[0]).Select(i => found[i])];
    }

    private static BoxXywh BoxOf(ObjectDetection d) => BoxXywh.FromCorners(d.X1, d.Y1, Math.Max(d.X1, d.X2), Math.Max(d.Y1, d.Y2));
}
