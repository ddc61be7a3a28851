namespace Fovea.Detection.Evaluation;

/// <summary>Objects and detections ordered by category and image, detections within an image by falling score; all ties by
/// position, so the order is total.</summary>
internal sealed class CategoryGroups
{
    private readonly AnnotatedObject[] _objects;
    private readonly ScoredBox[] _detections;
    private int _object;
    private int _detection;

    public CategoryGroups(AnnotatedDataset truth, ReadOnlySpan<ScoredBox> detections)
    {
        var objects = truth.ObjectSpan.ToArray();
        var boxes = detections.ToArray();
        int[] objectOrder = [.. Enumerable.Range(0, objects.Length)];
        objectOrder.AsSpan().Sort((a, b) =>
        {
            int order = Compare(objects[a].Category, objects[a].Image, objects[b].Category, objects[b].Image);
            return order != 0 ? order : a.CompareTo(b);
        });
        int[] detectionOrder = [.. Enumerable.Range(0, boxes.Length).Where(i => !double.IsNaN(boxes[i].Score))];
        detectionOrder.AsSpan().Sort((a, b) =>
        {
            int order = Compare(boxes[a].Category, boxes[a].Image, boxes[b].Category, boxes[b].Image);
            if (order == 0) order = boxes[b].Score.CompareTo(boxes[a].Score);
            return order != 0 ? order : a.CompareTo(b);
        });
        _objects = Array.ConvertAll(objectOrder, i => objects[i]);
        _detections = Array.ConvertAll(detectionOrder, i => boxes[i]);
    }

    /// <summary>The next image of <paramref name="category"/> that has objects or detections; false after the last. Categories are to
    /// be asked for in ascending order.</summary>
    public bool NextImage(int category, out ReadOnlySpan<AnnotatedObject> objects, out ReadOnlySpan<ScoredBox> detections)
    {
        int image = int.MaxValue;
        if (_object < _objects.Length && _objects[_object].Category == category) image = _objects[_object].Image;
        if (_detection < _detections.Length && _detections[_detection].Category == category) image = Math.Min(image, _detections[_detection].Image);
        int firstObject = _object, firstDetection = _detection;
        while (_object < _objects.Length && _objects[_object].Category == category && _objects[_object].Image == image) _object++;
        while (_detection < _detections.Length && _detections[_detection].Category == category && _detections[_detection].Image == image) _detection++;
        objects = _objects.AsSpan(firstObject.._object);
        detections = _detections.AsSpan(firstDetection.._detection);
        return image != int.MaxValue;
    }

    private static int Compare(int categoryA, int imageA, int categoryB, int imageB) =>
        categoryA != categoryB ? categoryA.CompareTo(categoryB) : imageA.CompareTo(imageB);
}
