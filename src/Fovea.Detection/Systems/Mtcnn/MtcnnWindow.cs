using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection.Systems;

/// <summary>What a network is shown: whole pixels X1..X2 and Y1..Y2, inclusive and counted from 1, as inside the cascade.</summary>
internal readonly record struct MtcnnWindow(int X1, int Y1, int X2, int Y2)
{
    /// <summary>IoU with a face, whose edges are real numbers: pixel 1 covers [0, 1].</summary>
    public double Iou(LabelledObject face) =>
        BoxXywh.FromCorners(X1 - 1, Y1 - 1, X2, Y2).Iou(BoxXywh.FromCorners(face.X1, face.Y1, face.X2, face.Y2));

    /// <summary>The best IoU with any of the faces.</summary>
    public double BestIou(IReadOnlyList<LabelledObject> faces)
    {
        var best = 0.0;
        foreach (var face in faces) best = Math.Max(best, Iou(face));
        return best;
    }

    /// <summary>dx1, dy1, dx2, dy2 with which the cascade makes the face of this window.</summary>
    public float[] Deltas(LabelledObject face, MtcnnStage stage)
    {
        var (dx1, dx2) = Deltas(X1, X2, face.X1, face.X2, stage);
        var (dy1, dy2) = Deltas(Y1, Y2, face.Y1, face.Y2, stage);
        return [dx1, dy1, dx2, dy2];
    }

    /// <summary>Places in shares of the window: all x, then all y.</summary>
    public float[] Points(ReadOnlySpan<float> points)
    {
        var relative = new float[points.Length];
        for (var i = 0; i < points.Length / 2; i++)
        {
            relative[i] = (points[2 * i] - (X1 - 1)) / (X2 - X1 + 1);
            relative[points.Length / 2 + i] = (points[2 * i + 1] - (Y1 - 1)) / (Y2 - Y1 + 1);
        }
        return relative;
    }

    // Along one axis, from window [x1, x2] to edges [from, to].
    private static (float First, float Second) Deltas(int x1, int x2, float from, float to, MtcnnStage stage)
    {
        double left = x1 - 1, right = x2, side = right - left;
        // The cascade calls a window of P-Net by other edges than those of its pixels: the first is a twelfth further, the last one pixel.
        if (stage == MtcnnStage.Proposal) (left, right) = (left + side / ProposalNet.Window, right + 1);
        // What O-Net makes is reported as X2 - 1, for the inclusive last pixel; a face's edge is wanted there.
        var last = stage == MtcnnStage.Output ? to + 1.0 : to;
        return ((float)((from - left) / (right - left)), (float)((last - right) / (right - left)));
    }
}
