namespace Fovea.Data;

/// <summary>Labelled images by number: what a detector is trained on. The same number gives the same image, from any thread.</summary>
public interface ILabelledImages
{
    /// <summary>How many there are.</summary>
    long Count { get; }

    /// <summary>Names of the classes.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>Makes or loads an image.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    LabelledImage Load(long index);
}
