using Fovea.Detection.Assignment;

namespace Fovea.Detection.Pyramids;

/// <summary>Anchors for a collection of boxes (Redmon and Farhadi, "YOLO9000", 2016): k-means over widths and heights with the distance
/// 1 - IoU, in which large boxes weigh no more than small ones.</summary>
public static class AnchorClusters
{
    /// <summary>Means of the clusters, by area, smallest first. The same sizes give the same anchors: the start is the middles of
    /// <paramref name="count"/> equal parts of the sizes by area, ties go to the first, and a cluster that loses all its sizes stays where it
    /// is.</summary>
    /// <param name="sizes">Widths and heights, above 0.</param>
    /// <param name="count">Clusters, 1 to the number of sizes.</param>
    /// <param name="meanIou">Mean IoU of the sizes with their anchors.</param>
    /// <param name="maxRounds">Rounds after which it is enough, if sizes still change their clusters.</param>
    /// <exception cref="ArgumentException">There are fewer sizes than clusters, or a size is no area.</exception>
    public static (float Width, float Height)[] Of(ReadOnlySpan<(float Width, float Height)> sizes, int count, out double meanIou, int maxRounds = 1000)
    {
        if (count < 1 || count > sizes.Length) throw new ArgumentException($"{count} clusters of {sizes.Length} sizes", nameof(count));
        foreach (var (width, height) in sizes)
            if (!(width > 0 && height > 0 && float.IsFinite(width) && float.IsFinite(height))) throw new ArgumentException($"{width} x {height} is no size", nameof(sizes));
        (float Width, float Height)[] sorted = [.. sizes.ToArray().OrderBy(Area)];
        (float Width, float Height)[] means = [.. Enumerable.Range(0, count).Select(i => sorted[(int)((2L * i + 1) * sorted.Length / (2L * count))])];
        var members = new int[sorted.Length];
        Array.Fill(members, -1);
        for (var round = 0; round < maxRounds && Assign(sorted, means, members); round++) Move(sorted, means, members);
        meanIou = sorted.Average(size => ShapeIou.Best(size, means).Iou);
        return [.. means.OrderBy(Area)];
    }

    private static double Area((float Width, float Height) size) => (double)size.Width * size.Height;

    private static bool Assign((float Width, float Height)[] sizes, (float Width, float Height)[] means, int[] members)
    {
        var isChanged = false;
        for (var i = 0; i < sizes.Length; i++)
        {
            var (best, _) = ShapeIou.Best(sizes[i], means);
            isChanged |= best != members[i];
            members[i] = best;
        }
        return isChanged;
    }

    private static void Move((float Width, float Height)[] sizes, (float Width, float Height)[] means, int[] members)
    {
        for (var k = 0; k < means.Length; k++)
        {
            double width = 0, height = 0;
            var count = 0;
            for (var i = 0; i < sizes.Length; i++)
                if (members[i] == k) (width, height, count) = (width + sizes[i].Width, height + sizes[i].Height, count + 1);
            if (count > 0) means[k] = ((float)(width / count), (float)(height / count));
        }
    }
}
