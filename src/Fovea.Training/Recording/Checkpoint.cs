namespace Fovea.Training;

/// <summary>Segments whose results are computed again when backward needs them (Chen, Xu, Zhang, Guestrin, "Training Deep Nets
/// with Sublinear Memory Cost", 2016).</summary>
public static class Checkpoint
{
    /// <summary>Records <paramref name="segment"/> so that only its inputs and its result are kept between forward and backward.
    /// Segments may lie in each other.</summary>
    public static Value Run(Tape tape, Func<Value> segment)
    {
        ArgumentNullException.ThrowIfNull(tape);
        ArgumentNullException.ThrowIfNull(segment);
        var begun = tape.BeginSegment();
        try
        {
            return segment();
        }
        finally
        {
            tape.EndSegment(begun);
        }
    }
}
