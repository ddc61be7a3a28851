namespace Fovea.Detection.Evaluation;

/// <summary>Labelled images. Immutable and thread-safe.</summary>
/// <remarks>The order of the images decides between equal scores of different images; the official COCO tool goes by ascending id,
/// and so does <see cref="CocoJson"/>.</remarks>
public sealed class AnnotatedDataset
{
    private readonly AnnotatedImage[] _images;
    private readonly ObjectCategory[] _categories;
    private readonly AnnotatedObject[] _objects;

    /// <summary>Copies the three lists.</summary>
    /// <exception cref="ArgumentException">An id occurs twice, an object refers to an image or category that does not exist, or its
    /// box or area is not finite or negative.</exception>
    public AnnotatedDataset(IEnumerable<AnnotatedImage> images, IEnumerable<ObjectCategory> categories, IEnumerable<AnnotatedObject> objects)
    {
        _images = [.. images];
        _categories = [.. categories];
        _objects = [.. objects];
        RequireUnique(_images.Select(i => i.Id), "image");
        RequireUnique(_categories.Select(c => c.Id), "category");
        for (int i = 0; i < _objects.Length; i++)
        {
            ref readonly var o = ref _objects[i];
            RequireIndexes(o.Image, o.Category, $"object {i}");
            if (!o.Box.IsValid || !(o.Area >= 0)) throw new ArgumentException($"object {i} has the impossible box {o.Box} with area {o.Area}", nameof(objects));
        }
    }

    /// <summary>All images, also those without objects.</summary>
    public IReadOnlyList<AnnotatedImage> Images => _images;

    /// <summary>All categories, also those without objects.</summary>
    public IReadOnlyList<ObjectCategory> Categories => _categories;

    /// <summary>All objects; their order within an image decides between equal overlaps.</summary>
    public IReadOnlyList<AnnotatedObject> Objects => _objects;

    internal ReadOnlySpan<AnnotatedObject> ObjectSpan => _objects;

    /// <summary>Throws where a detection does not belong to this set or its box cannot be one.</summary>
    internal void Require(ReadOnlySpan<ScoredBox> detections)
    {
        for (int i = 0; i < detections.Length; i++)
        {
            RequireIndexes(detections[i].Image, detections[i].Category, $"detection {i}");
            if (!detections[i].Box.IsValid) throw new ArgumentException($"detection {i} has the impossible box {detections[i].Box}", nameof(detections));
        }
    }

    private static void RequireUnique(IEnumerable<long> ids, string what)
    {
        var seen = new HashSet<long>();
        foreach (long id in ids)
            if (!seen.Add(id)) throw new ArgumentException($"{what} {id} occurs twice");
    }

    private void RequireIndexes(int image, int category, string what)
    {
        if ((uint)image >= (uint)_images.Length) throw new ArgumentException($"{what} refers to image {image} of {_images.Length}");
        if ((uint)category >= (uint)_categories.Length) throw new ArgumentException($"{what} refers to category {category} of {_categories.Length}");
    }
}
