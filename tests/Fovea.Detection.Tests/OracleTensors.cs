namespace Fovea.Detection.Tests;

/// <summary>Tensors that other runtimes computed, and how close ours are.</summary>
internal static class OracleTensors
{
    public static NpyFile Load(string folder, string name) => NpyFile.Load(Path.Combine(folder, name + ".npy"));

    /// <summary>No element may be off by more than <paramref name="tolerance"/>.</summary>
    public static void AssertWithin(float tolerance, ReadOnlySpan<float> expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float worst = 0;
        for (int i = 0; i < actual.Length; i++) worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
        Assert.True(worst <= tolerance, $"off by {worst} at values up to {Largest(expected)}, allowed are {tolerance}");
    }

    /// <summary>No element may be off by more than this share of the largest magnitude.</summary>
    public static void AssertWithinShare(float share, ReadOnlySpan<float> expected, float[] actual) =>
        AssertWithin(share * Largest(expected), expected, actual);

    private static float Largest(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values) largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }
}
