namespace Fovea;

/// <summary>How box coordinates become whole pixels.</summary>
public enum Rounding
{
    /// <summary>They stay as they are.</summary>
    None = 0,

    /// <summary>Toward zero.</summary>
    Truncate = 1,

    /// <summary>To the nearest, halves to even.</summary>
    Nearest = 2,
}
