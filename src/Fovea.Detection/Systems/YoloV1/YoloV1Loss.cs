using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The loss of YOLO v1, squares throughout: 5 for the responsible box, 1 for its confidence, 0.5 for the confidence of every other
/// box, 1 for the classes of cells with an object. The sum is divided by the number of images.</summary>
/// <remarks>Its gradient is twice what darknet's detection layer passes back, which forgets the 2 of a square; darknet's division by the
/// images comes with its learning rate. The cost that darknet prints has other terms than its gradient and is not this loss.</remarks>
internal static class YoloV1Loss
{
    private const float BoxWeight = 5, BackgroundWeight = 0.5f;

    public static DetectionLoss Of(YoloV1Outputs outputs, DetectionTargets targets, YoloV1TargetsOperation assignment)
    {
        var truth = assignment.Record(targets.Boxes, targets.Classes, outputs.Boxes);
        var (classes, hasObject, responsible, confidences, boxes) = (truth[0], truth[1], truth[2], truth[3], truth[4]);
        var perImage = 1f / outputs.Classes.Shape[0];
        var confidenceLoss = Squares(outputs.Confidences, confidences);
        return DetectionLoss.Of(
            ("boxes", Squares(outputs.Boxes, boxes).Multiply(responsible).Sum().Affine(BoxWeight * perImage)),
            ("objects", confidenceLoss.Multiply(responsible).Sum().Affine(perImage)),
            ("background", confidenceLoss.Multiply(responsible.Affine(-1, 1)).Sum().Affine(BackgroundWeight * perImage)),
            ("classes", Squares(outputs.Classes, classes).Multiply(hasObject).Sum().Affine(perImage)));
    }

    private static Value Squares(Value x, Value target) => x.PointwiseLoss(target, PointwiseLossOptions.Squared);
}
