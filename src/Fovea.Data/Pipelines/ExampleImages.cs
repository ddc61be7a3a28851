namespace Fovea.Data;

/// <summary>Encoded images in records.</summary>
public static class ExampleImages
{
    /// <summary>Decodes the images of a column of byte strings, several at a time; the results are in the order of the
    /// column.</summary>
    /// <param name="column">One encoded image per value.</param>
    /// <param name="parallelism">Images decoded at a time; by default one for each processor.</param>
    /// <param name="options">Limits.</param>
    /// <exception cref="ImageFormatException">A value is no image, damaged or beyond a limit; the message names column and
    /// index of the first one that was met.</exception>
    public static RgbImage[] DecodeRgb(this ExampleColumn column, int? parallelism = null, ImageLoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(column);
        var images = new RgbImage[column.Count];
        try
        {
            Parallel.For(0, images.Length, new ParallelOptions { MaxDegreeOfParallelism = parallelism ?? Environment.ProcessorCount }, i =>
                images[i] = ImageFile.DecodeRgb(column.Bytes(i), $"{column.Name}[{i}]", options));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<ImageFormatException>().FirstOrDefault() is { } first)
        {
            throw new ImageFormatException(first.FileName, first.Message[(first.FileName.Length + 2)..]);
        }
        return images;
    }
}
