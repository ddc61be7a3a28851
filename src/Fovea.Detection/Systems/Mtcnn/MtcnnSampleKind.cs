namespace Fovea.Detection.Systems;

/// <summary>What a window shows, and so what is learned from it.</summary>
internal enum MtcnnSampleKind
{
    /// <summary>No face: the class.</summary>
    Background,

    /// <summary>Too little of a face to be one: the box.</summary>
    Part,

    /// <summary>A face: the class, the box and the landmarks.</summary>
    Face,
}
