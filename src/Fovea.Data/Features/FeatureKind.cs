namespace Fovea.Data;

/// <summary>Type of the values of a raw feature: the three of tf.Example.</summary>
public enum FeatureKind
{
    /// <summary>64-bit integers.</summary>
    Int64 = 0,

    /// <summary>32-bit floating-point numbers.</summary>
    Float = 1,

    /// <summary>Strings of bytes.</summary>
    Bytes = 2,
}
