namespace Fovea.Bench.Workloads;

/// <summary>Some elements of a result, computed in double precision by the plain formula: enough to see an algorithm's error, cheap
/// enough for every row.</summary>
/// <param name="Indices">Positions in the flat result.</param>
/// <param name="Values">What stands there.</param>
public sealed record ReferenceSample(int[] Indices, double[] Values)
{
    /// <summary>The largest difference over the largest magnitude of the sample. NaN when the result has another length.</summary>
    public double MaxRelativeError(ReadOnlySpan<float> result)
    {
        double difference = 0, largest = 0;
        for (int i = 0; i < Indices.Length; i++)
        {
            if (Indices[i] >= result.Length) return double.NaN;
            double d = Math.Abs(result[Indices[i]] - Values[i]);
            if (double.IsNaN(d)) return double.NaN;
            difference = Math.Max(difference, d);
            largest = Math.Max(largest, Math.Abs(Values[i]));
        }

        return largest == 0 ? difference : difference / largest;
    }

    /// <summary>Evaluates <paramref name="value"/> at <paramref name="count"/> spread positions of a result of
    /// <paramref name="length"/> elements.</summary>
    public static ReferenceSample Take(long length, int count, Func<int, double> value)
    {
        // A fixed seed, not a fixed step: a step could meet the same channel every time. The corners are always in.
        var random = new Random(11);
        int[] indices = [0, (int)length - 1, .. Enumerable.Range(0, count).Select(_ => random.Next((int)length))];
        return new ReferenceSample(indices, [.. indices.Select(value)]);
    }
}
