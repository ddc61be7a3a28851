using Fovea.Data;

namespace Fovea.Detection.Systems;

/// <summary>A window with what a network is to say of it.</summary>
/// <param name="Image">Index of the image.</param>
/// <param name="Window">What is shown.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Deltas">To the face; null for background.</param>
/// <param name="Points">In shares of the window, of a face where they are known.</param>
internal sealed record MtcnnSample(int Image, MtcnnWindow Window, MtcnnSampleKind Kind, float[]? Deltas, float[]? Points)
{
    /// <summary>By the best IoU with any face: background below 0.3, part of a face from 0.4, face from 0.65; null between the first two, where
    /// neither is right.</summary>
    public static MtcnnSample? Of(int image, MtcnnWindow window, IReadOnlyList<LabelledObject> faces, MtcnnStage stage)
    {
        var (best, face) = (0.0, default(LabelledObject));
        foreach (var candidate in faces)
            if (window.Iou(candidate) is var iou && iou > best) (best, face) = (iou, candidate);
        if (best < 0.3) return new MtcnnSample(image, window, MtcnnSampleKind.Background, null, null);
        if (best < 0.4) return null;
        var isFace = best >= 0.65;
        var points = isFace && face!.Points is { Length: 2 * FaceLandmarks.Count } known ? window.Points(known) : null;
        return new MtcnnSample(image, window, isFace ? MtcnnSampleKind.Face : MtcnnSampleKind.Part, window.Deltas(face!, stage), points);
    }
}
