namespace Fovea.Detection.Evaluation;

/// <summary>Average precision of a ranking (Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010; COCO's variant).</summary>
public static class AveragePrecision
{
    /// <summary>Average precision, 0 to 1.</summary>
    /// <param name="hits">Detections by falling score: true where one found an object that none before it had found.</param>
    /// <param name="objects">Number of objects to be found, at least the number of hits.</param>
    /// <param name="interpolation">Which average.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="objects"/> is not positive or less than the hits.</exception>
    public static double Of(ReadOnlySpan<bool> hits, int objects, ApInterpolation interpolation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(objects);
        int found = hits.Count(true);
        ArgumentOutOfRangeException.ThrowIfLessThan(objects, found);
        return interpolation switch
        {
            ApInterpolation.EveryPoint => AreaUnderEnvelope(hits, found, objects),
            ApInterpolation.ElevenPoints => MeanOverRecalls(hits, found, objects, 10),
            _ => MeanOverRecalls(hits, found, objects, 100),
        };
    }

    // Recall grows by 1/objects at each hit, so the area is the mean of the envelope over the objects; those missed add 0.
    private static double AreaUnderEnvelope(ReadOnlySpan<bool> hits, int found, int objects)
    {
        double sum = 0, envelope = 0;
        for (int i = hits.Length - 1; i >= 0; i--)
        {
            if (!hits[i]) continue;
            // Precision peaks at hits, so those between need not be looked at.
            envelope = Math.Max(envelope, found-- / (i + 1.0));
            sum += envelope;
        }
        return sum / objects;
    }

    // Walks the ranking from its end, where the envelope is a running maximum, and takes each recall of the grid at the first
    // detection that reaches it. Grid points are k * (1.0 / intervals), as the reference tools compute them: k / 100.0 differs in the
    // last bit and moves COCO's AP in the fourth digit.
    private static double MeanOverRecalls(ReadOnlySpan<bool> hits, int found, int objects, int intervals)
    {
        double step = 1.0 / intervals, sum = 0, envelope = 0;
        int k = intervals;
        while (k >= 0 && k * step > (double)found / objects) k--;
        for (int i = hits.Length - 1; i >= 0 && k >= 0; i--)
        {
            envelope = Math.Max(envelope, found / (i + 1.0));
            if (hits[i]) found--;
            double before = i == 0 ? -1 : (double)found / objects;
            for (; k >= 0 && k * step > before; k--) sum += envelope;
        }
        return sum / (intervals + 1);
    }
}
