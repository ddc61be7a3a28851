using System.IO.Compression;
using System.Text.Json;
using Xunit;

namespace Fovea.Tests.Support;

/// <summary>Published results of other implementations, kept beside the checkout. Tests skip with one line where they are not.</summary>
internal static class PublicVectors
{
    /// <summary>The cases of one file of the archive, one where it is no list, or the test skips.</summary>
    public static JsonElement[] ReadOrSkip(string file)
    {
        var path = Path.Combine(RepositoryRoot(), "..", "shared", "conformance", "public_vectors.zip");
        Assert.SkipUnless(File.Exists(path), "public_vectors.zip is not beside the checkout");
        using var archive = ZipFile.OpenRead(path);
        using var entry = archive.GetEntry(file)!.Open();
        using var document = JsonDocument.Parse(entry);
        var root = document.RootElement.Clone();
        return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : [root];
    }

    /// <summary>The numbers of nested arrays, in their order.</summary>
    public static float[] Floats(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray().SelectMany(Floats)] : [element.GetSingle()];

    /// <summary>Sizes of nested arrays, the outermost first.</summary>
    public static long[] Shape(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? [element.GetArrayLength(), .. element[0].Shape()] : [];

    /// <summary>A tensor [N][C][H][W] of the archive, in the layout of the kernels, [N][H][W][C].</summary>
    public static DeviceTensor Images(DeviceStream stream, JsonElement element)
    {
        var shape = element.Shape();
        return DeviceTensor.From<float>(stream, ChannelsLast(element.Floats(), shape), shape[0], shape[2], shape[3], shape[1]);
    }

    /// <summary>[N][C][H][W] to [N][H][W][C].</summary>
    public static float[] ChannelsLast(float[] values, ReadOnlySpan<long> shape)
    {
        var (n, c, pixels) = (shape[0], shape[1], shape[2] * shape[3]);
        var result = new float[values.Length];
        for (long i = 0; i < n; i++)
            for (long channel = 0; channel < c; channel++)
                for (long p = 0; p < pixels; p++)
                    result[((i * pixels) + p) * c + channel] = values[((i * c) + channel) * pixels + p];
        return result;
    }

    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string name)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])), $"{name}: element {i} is {actual[i]:R}, published {expected[i]:R}");
    }

    private static string RepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory != null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Runtime.sln"))) return directory.FullName;
        throw new InvalidOperationException("The tests run outside of a checkout.");
    }
}
