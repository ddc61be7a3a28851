namespace Fovea.Detection;

/// <summary>Scales of an image pyramid for a detector with a fixed window.</summary>
public static class ImagePyramid
{
    /// <summary>Scales at which an object of <paramref name="minObject"/> to the image's size fills a window of
    /// <paramref name="window"/> pixels, largest first: <c>window/minObject * factor^k</c> while the scaled image still holds a window.</summary>
    /// <remarks>The loop of facenet's <c>detect_face</c>; for 480x640, 20 and 0.709 it gives 10 scales from 0.6.</remarks>
    public static double[] Scales(int width, int height, int minObject, int window, double factor)
    {
        var scales = new List<double>();
        double scale = (double)window / minObject;
        double side = Math.Min(width, height) * scale;
        while (side >= window)
        {
            scales.Add(scale);
            scale *= factor;
            side *= factor;
        }

        return [.. scales];
    }

    /// <summary>Size of a level: <c>ceil(size * scale)</c>, at least 1.</summary>
    public static int ScaledSize(int size, double scale) => Math.Max(1, (int)Math.Ceiling(size * scale));
}
