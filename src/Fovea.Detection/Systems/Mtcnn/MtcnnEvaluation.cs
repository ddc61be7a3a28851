using System.Numerics;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection.Systems;

/// <summary>What a trained cascade is worth on labelled images.</summary>
/// <param name="Faces">Faces in the images.</param>
/// <param name="Found">Faces that a detection overlaps with an IoU of at least 0.5.</param>
/// <param name="Detections">Detections.</param>
/// <param name="Right">Detections that overlap a face with an IoU of at least 0.5.</param>
/// <param name="LandmarkError">Mean distance of the right detections' landmarks from the face's, in shares of its width; NaN where none are
/// known.</param>
/// <param name="Stages">What each network removed.</param>
public sealed record MtcnnEvaluation(int Faces, int Found, int Detections, int Right, double LandmarkError, IReadOnlyList<MtcnnStageReport> Stages)
{
    /// <summary>Share of the faces that were found; NaN without faces.</summary>
    public double Recall => (double)Found / Faces;

    /// <summary>Share of the detections that are right; NaN without detections.</summary>
    public double Precision => (double)Right / Detections;

    /// <summary>Runs the cascade, whole and network by network, over images [<paramref name="start"/>, <paramref name="start"/> +
    /// <paramref name="count"/>).</summary>
    /// <param name="model">The trained networks.</param>
    /// <param name="images">Where faces are to be found.</param>
    /// <param name="start">The first image.</param>
    /// <param name="count">How many.</param>
    /// <param name="options">Of the cascade.</param>
    /// <param name="faceClass">The class that is a face.</param>
    public static MtcnnEvaluation Of(MtcnnModel model, ILabelledImages images, long start, int count, MtcnnOptions? options = null, int faceClass = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        options ??= new MtcnnOptions();
        using var stream = model.Device.CreateStream();
        using var session = new MtcnnSession(model, options);
        var miner = new MtcnnMiner(stream, model, options);
        var results = new FaceDetection[options.MaxDetections];
        var (faces, found, detections, right) = (0, 0, 0, 0);
        var errors = new List<double>();
        var passed = new long[4]; // windows in front of each network, and at the end
        for (var i = start; i < start + count; i++)
        {
            var (image, objects) = images.Load(i);
            LabelledObject[] labels = [.. objects.Where(o => o.Class == faceClass)];
            using var pixels = DeviceTensor.From<byte>(stream, image.Pixels.Span, 1, image.Height, image.Width, 3);
            passed[0] += AllWindows(image.Width, image.Height, options).Count(w => w.BestIou(labels) < 0.3);
            passed[1] += miner.Windows(pixels, MtcnnStage.Refinement).Count(w => w.BestIou(labels) < 0.3);
            passed[2] += miner.Windows(pixels, MtcnnStage.Output).Count(w => w.BestIou(labels) < 0.3);
            var rows = results[..session.Detect(image.Pixels.Span, image.Width, image.Height, results)];
            passed[3] += rows.Count(d => labels.All(l => Iou(d, l) < 0.3));
            faces += labels.Length;
            found += labels.Count(l => rows.Any(d => Iou(d, l) >= 0.5));
            detections += rows.Length;
            foreach (var d in rows)
            {
                if (labels.MaxBy(l => Iou(d, l)) is not { } face || Iou(d, face) < 0.5) continue;
                right++;
                if (face.Points is { Length: 2 * FaceLandmarks.Count } points) errors.AddRange(Distances(d, points).Select(e => e / (face.X2 - face.X1)));
            }
        }
        return new MtcnnEvaluation(faces, found, detections, right, errors.Count == 0 ? double.NaN : errors.Average(),
            [.. Enumerable.Range(0, 3).Select(s => new MtcnnStageReport((MtcnnStage)s, passed[s], passed[s + 1]))]);
    }

    // Every window that P-Net looks at, to whole pixels.
    private static IEnumerable<MtcnnWindow> AllWindows(int width, int height, MtcnnOptions options)
    {
        foreach (var scale in ImagePyramid.Scales(width, height, options.MinFace, ProposalNet.Window, options.Factor))
        {
            var side = (int)Math.Round(ProposalNet.Window / scale);
            int rows = Cells(ImagePyramid.ScaledSize(height, scale)), columns = Cells(ImagePyramid.ScaledSize(width, scale));
            for (var row = 0; row < rows; row++)
                for (var column = 0; column < columns; column++)
                {
                    var (x, y) = ((int)Math.Round(ProposalNet.Stride * column / scale), (int)Math.Round(ProposalNet.Stride * row / scale));
                    yield return new MtcnnWindow(x + 1, y + 1, x + side, y + side);
                }
        }

        static int Cells(int pixels) => Math.Max(0, (pixels - 2 + 1) / 2 - 4);
    }

    private static double[] Distances(FaceDetection d, float[] points)
    {
        var distances = new double[FaceLandmarks.Count];
        for (var i = 0; i < distances.Length; i++) distances[i] = Vector2.Distance(d.Landmarks[i], new Vector2(points[2 * i], points[2 * i + 1]));
        return distances;
    }

    private static double Iou(in FaceDetection d, LabelledObject face) =>
        BoxXywh.FromCorners(d.X1, d.Y1, d.X2, d.Y2).Iou(BoxXywh.FromCorners(face.X1, face.Y1, face.X2, face.Y2));
}
