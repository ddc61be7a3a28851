using Fovea.Interop;

namespace Fovea;

/// <summary>A recurrent layer in one direction.</summary>
public readonly record struct RecurrentOptions
{
    /// <summary>The cell.</summary>
    public RecurrentCell Cell { get; init; }

    /// <summary>Last dimension of x.</summary>
    public int InputSize { get; init; }

    /// <summary>Last dimension of y.</summary>
    public int HiddenSize { get; init; }

    /// <summary>From the last valid position to the first.</summary>
    public bool Reverse { get; init; }

    internal fovea_recurrent_params ToNative() => new()
    {
        cell = (int)Cell,
        input_size = InputSize,
        hidden_size = HiddenSize,
        reverse = Reverse ? 1 : 0,
    };
}
