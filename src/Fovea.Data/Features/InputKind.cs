using System.Text.Json.Serialization;

namespace Fovea.Data;

/// <summary>Type of the values of a raw feature: the three of tf.Example. Column files call them int64, float32 and string.</summary>
public enum InputKind
{
    /// <summary>64-bit integers.</summary>
    [JsonStringEnumMemberName("int64")]
    Integers = 0,

    /// <summary>32-bit floating-point numbers.</summary>
    [JsonStringEnumMemberName("float32")]
    Floats = 1,

    /// <summary>Strings of bytes.</summary>
    [JsonStringEnumMemberName("string")]
    Bytes = 2,
}
