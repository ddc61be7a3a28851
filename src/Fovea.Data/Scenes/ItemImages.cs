namespace Fovea.Data;

/// <summary>Small grey pictures of single objects, each of a class: what a scene is furnished with. The grey is how much of the object a
/// pixel shows; 0 is nothing. Immutable and thread-safe.</summary>
public sealed class ItemImages
{
    private const int MaxSide = 1024; // pixels

    private readonly ReadOnlyMemory<byte> _pixels;
    private readonly ReadOnlyMemory<byte> _classes;
    private readonly int[][] _ofClass;

    /// <summary>Puts pictures and labels together.</summary>
    /// <param name="images">[N][height][width].</param>
    /// <param name="labels">[N], each below the number of classes.</param>
    /// <param name="classNames">The classes.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="IdxFormatException">The arrays do not fit together, or a label has no class.</exception>
    public ItemImages(IdxFile images, IdxFile labels, IReadOnlyList<string> classNames, string name)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classNames);
        if (images.Shape.Count != 3 || labels.Shape.Count != 1)
            throw new IdxFormatException(name, $"pictures have 3 dimensions and labels 1, not {images.Shape.Count} and {labels.Shape.Count}");
        if (images.Shape[0] != labels.Shape[0]) throw new IdxFormatException(name, $"{images.Shape[0]} pictures with {labels.Shape[0]} labels");
        if (images.Shape[1] > MaxSide || images.Shape[2] > MaxSide) throw new IdxFormatException(name, $"pictures of {images.Shape[2]}x{images.Shape[1]} are no small ones");
        if (images.Elements.IsEmpty) throw new IdxFormatException(name, "there are no pictures");
        (Count, Height, Width, ClassNames) = (images.Shape[0], images.Shape[1], images.Shape[2], classNames);
        (_pixels, _classes) = (images.Elements, labels.Elements);
        var ofClass = Enumerable.Range(0, classNames.Count).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < Count; i++)
        {
            if (ClassOf(i) >= ofClass.Length) throw new IdxFormatException(name, $"picture {i} has class {ClassOf(i)} of {ofClass.Length}");
            ofClass[ClassOf(i)].Add(i);
        }
        _ofClass = [.. ofClass.Select(l => l.ToArray())];
    }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>Columns of each picture.</summary>
    public int Width { get; }

    /// <summary>Rows of each picture.</summary>
    public int Height { get; }

    /// <summary>Names of the classes.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The grey levels of a picture, row by row.</summary>
    public ReadOnlySpan<byte> PixelsOf(int item) => _pixels.Span.Slice(checked(item * Width * Height), Width * Height);

    /// <summary>The class of a picture.</summary>
    public int ClassOf(int item) => _classes.Span[item];

    /// <summary>All pictures of a class.</summary>
    internal ReadOnlySpan<int> OfClass(int index) => _ofClass[index];
}
