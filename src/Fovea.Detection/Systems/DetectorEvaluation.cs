using System.Diagnostics;
using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What a trained <see cref="DetectionSystem"/> finds in labelled images, and what that is worth.</summary>
public sealed class DetectorEvaluation : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly DetectionSystem _system;
    private readonly DetectionBatch _batch;
    private readonly TapeProgram _program;
    private readonly Value _rows;

    /// <summary>Records detection with the present weights: make another one when they have changed. The system is not owned.</summary>
    public DetectorEvaluation(DeviceStream stream, DetectionSystem system, int batchSize = 8)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(system);
        (_stream, _system) = (stream, system);
        _batch = new DetectionBatch(stream, batchSize, system.ImageSize, places: 1);
        system.Train(false);
        var tape = new Tape();
        _rows = system.Detect(_batch.Images(tape));
        _program = TapeProgram.FusedInference(stream, _rows);
        system.Train();
    }

    /// <summary>Detects in at most a batch of images of the system's size; one list per image, best first.</summary>
    public ObjectDetection[][] Detect(ReadOnlySpan<LabelledImage> images)
    {
        _batch.Fill(images);
        _program.Run();
        var rows = MemoryMarshal.Cast<float, ObjectDetection>(_program.Read(_rows).ToArray<float>(_stream));
        var found = new ObjectDetection[images.Length][];
        for (var i = 0; i < found.Length; i++)
        {
            var all = rows.Slice(i * _system.MaxDetections, _system.MaxDetections);
            var count = 0;
            while (count < all.Length && all[count].Score > 0) count++;
            found[i] = all[..count].ToArray();
        }
        return found;
    }

    /// <summary>COCO's numbers over images [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>).</summary>
    public CocoMetrics Evaluate(ILabelledImages images, long start, int count)
    {
        ArgumentNullException.ThrowIfNull(images);
        var (objects, boxes) = (new List<AnnotatedObject>(), new List<ScoredBox>());
        var loaded = Enumerable.Range(0, count).Select(i => images.Load(start + i)).ToArray();
        for (var at = 0; at < count; at += _batch.Count)
        {
            var part = loaded.AsSpan(at, Math.Min(_batch.Count, count - at));
            var found = Detect(part);
            for (var i = 0; i < part.Length; i++)
            {
                foreach (var o in part[i].Objects) objects.Add(Annotated(at + i, o));
                foreach (var d in found[i]) boxes.Add(new ScoredBox(at + i, d.Class, BoxXywh.FromCorners(d.X1, d.Y1, Math.Max(d.X1, d.X2), Math.Max(d.Y1, d.Y2)), d.Score));
            }
        }
        var dataset = new AnnotatedDataset(
            Enumerable.Range(0, count).Select(i => new AnnotatedImage(i, $"{start + i}", _system.ImageSize, _system.ImageSize)),
            images.ClassNames.Select((name, i) => new ObjectCategory(i, name)), objects);
        return CocoMetrics.From(DetectionEvaluator.Evaluate(dataset, CollectionsMarshal.AsSpan(boxes)));
    }

    /// <summary>Median milliseconds of a batch that is on the device already: network, decoding, suppression; as one captured graph where
    /// nothing of it is computed on the host.</summary>
    /// <param name="images">What is detected in; at most a batch.</param>
    /// <param name="runs">How often.</param>
    public double MedianMilliseconds(ReadOnlySpan<LabelledImage> images, int runs = 50)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        _batch.Fill(images);
        using var graph = _program.IsCapturable ? Capture() : null;
        var milliseconds = new double[runs];
        for (var i = -3; i < runs; i++) // three to warm up
        {
            _stream.Synchronize();
            var start = Stopwatch.GetTimestamp();
            if (graph is null) _program.Run();
            else graph.Replay(_stream);
            _stream.Synchronize();
            if (i >= 0) milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(milliseconds);
        return milliseconds[runs / 2];
    }

    private CapturedGraph Capture()
    {
        using var capture = _stream.BeginCapture();
        _program.Run();
        return capture.End();
    }

    private static AnnotatedObject Annotated(int image, LabelledObject o)
    {
        var box = BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2);
        return new AnnotatedObject(image, o.Class, box);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _program.Dispose();
        _batch.Dispose();
    }
}
