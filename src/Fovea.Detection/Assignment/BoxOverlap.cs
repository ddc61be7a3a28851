namespace Fovea.Detection.Assignment;

/// <summary>Overlaps of boxes on the host, for assignment.</summary>
internal static class BoxOverlap
{
    /// <summary>Intersection over union of two boxes x1 y1 x2 y2; 0 where it has no value.</summary>
    public static float Iou(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var width = (double)Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]);
        var height = (double)Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]);
        if (!(width > 0 && height > 0)) return 0;
        var intersection = width * height;
        return (float)(intersection / (Area(a) + Area(b) - intersection));
    }

    /// <summary>IoU of each of the objects [G][4] with each of the boxes [N][4], as [G][N].</summary>
    public static float[] Table(ReadOnlySpan<float> objects, ReadOnlySpan<float> boxes)
    {
        var table = new float[checked(objects.Length / 4 * (boxes.Length / 4))];
        var at = 0;
        for (var g = 0; g < objects.Length; g += 4)
            for (var n = 0; n < boxes.Length; n += 4) table[at++] = Iou(objects.Slice(g, 4), boxes.Slice(n, 4));
        return table;
    }

    private static double Area(ReadOnlySpan<float> box) => ((double)box[2] - box[0]) * ((double)box[3] - box[1]);
}
