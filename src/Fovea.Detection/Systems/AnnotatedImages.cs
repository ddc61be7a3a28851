using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Systems;

/// <summary>Annotated image files (COCO, VOC, YOLO, WIDER FACE) in the size of a detector, with their boxes. Regions that evaluation ignores,
/// crowds among them, are no objects here.</summary>
public sealed class AnnotatedImages : ILabelledImages
{
    private readonly AnnotatedDataset _dataset;
    private readonly string _folder;
    private readonly int _size;
    private readonly bool _stretches;
    private readonly ImageLoadOptions? _limits;
    private readonly AnnotatedObject[][] _objects;

    /// <summary>Describes the images; files are read when they are asked for.</summary>
    /// <param name="dataset">The annotations.</param>
    /// <param name="folder">What file names in the annotations are relative to.</param>
    /// <param name="size">S: images come out with S by S pixels.</param>
    /// <param name="stretches">Whether images fill the square with changed proportions; otherwise they keep them and grey fills the rest.</param>
    /// <param name="limits">Of the image files.</param>
    public AnnotatedImages(AnnotatedDataset dataset, string folder, int size, bool stretches = false, ImageLoadOptions? limits = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        (_dataset, _folder, _size, _stretches, _limits) = (dataset, folder, size, stretches, limits);
        var objects = dataset.Objects.Where(o => !o.IsIgnored && !o.IsCrowd).ToLookup(o => o.Image);
        _objects = [.. Enumerable.Range(0, dataset.Images.Count).Select(i => objects[i].ToArray())];
        ClassNames = [.. dataset.Categories.Select(c => c.Name)];
    }

    /// <inheritdoc/>
    public long Count => _dataset.Images.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Where an image of a size lies in the square; its inverse takes detections back to the file.</summary>
    public ImagePlacement PlaceOf(int width, int height) =>
        _stretches ? ImagePlacement.Stretch(width, height, _size) : ImagePlacement.Letterbox(width, height, _size);

    /// <inheritdoc/>
    /// <exception cref="ImageFormatException">The file is no image, damaged or beyond a limit.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public LabelledImage Load(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var image = ImageFile.LoadRgb(Path.Combine(_folder, _dataset.Images[(int)index].FileName), _limits);
        var canvas = new LabelledCanvas(_size, _size);
        canvas.Lay(new LabelledImage(image, [.. _objects[index].Select(o => Inside(o, image))]), PlaceOf(image.Width, image.Height));
        return canvas.ToImage();
    }

    // Annotators draw over the edge of images now and then; what lies wholly outside has no area and is dropped by the canvas.
    private static LabelledObject Inside(AnnotatedObject o, RgbImage image) => new(o.Category,
        (float)Math.Clamp(o.Box.X, 0, image.Width), (float)Math.Clamp(o.Box.Y, 0, image.Height),
        (float)Math.Clamp(o.Box.X + o.Box.Width, 0, image.Width), (float)Math.Clamp(o.Box.Y + o.Box.Height, 0, image.Height));
}
