using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>A detector that is trained here: a network, the loss of its paper, and decoding, all recorded on tapes. Images are
/// [B][S][S][3] f32 from -1 to 1; assignment of labels and matching are operations of the tape, so a training step is one
/// <see cref="TapeProgram"/> that checkpoints like any other.</summary>
public abstract class DetectionSystem : Module
{
    /// <summary>Sets what all systems have in common.</summary>
    /// <param name="imageSize">S, in pixels.</param>
    /// <param name="classCount">Classes of objects.</param>
    /// <param name="maxDetections">Detections per image.</param>
    protected DetectionSystem(int imageSize, int classCount, int maxDetections = 100) : base("")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imageSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxDetections, 1);
        (ImageSize, ClassCount, MaxDetections) = (imageSize, classCount, maxDetections);
    }

    /// <summary>S: width and height of the images, in pixels.</summary>
    public int ImageSize { get; }

    /// <summary>Classes of objects; a class "nothing" that some systems have does not count.</summary>
    public int ClassCount { get; }

    /// <summary>K, detections per image.</summary>
    public int MaxDetections { get; }

    /// <summary>Whether the loss reads <see cref="DetectionTargets.Masks"/>.</summary>
    public virtual bool UsesMasks => false;

    /// <summary>Records the loss of a batch.</summary>
    public abstract DetectionLoss Loss(Value images, DetectionTargets targets);

    /// <summary>Records the detections of a batch: f32 [B][K][6] = x1 y1 x2 y2 score class, best first; a score of 0 ends the list of an
    /// image.</summary>
    public abstract Value Detect(Value images);

    /// <summary>As <see cref="Detect"/>.</summary>
    public sealed override Value Forward(Value x) => Detect(x);
}
