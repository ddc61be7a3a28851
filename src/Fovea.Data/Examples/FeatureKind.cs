using System.Diagnostics.CodeAnalysis;

namespace Fovea.Data;

/// <summary>Type of a feature's values. The numbers are the fields of tf.train.Feature.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "These are the names of the types.")]
public enum FeatureKind
{
    /// <summary>The feature is there, but with no list: TensorFlow takes it for missing.</summary>
    None = 0,

    /// <summary>Byte strings: text, encoded images.</summary>
    Bytes = 1,

    /// <summary>32-bit floats.</summary>
    Float = 2,

    /// <summary>64-bit signed integers.</summary>
    Int64 = 3,
}
