namespace Fovea.Training;

/// <summary>What a backward pass reads of its forward pass.</summary>
/// <param name="Inputs">Bit i: input i.</param>
/// <param name="Outputs">Bit i: output i.</param>
public readonly record struct SavedTensors(uint Inputs, uint Outputs = 0)
{
    /// <summary>Nothing: the gradient depends on the incoming gradient alone.</summary>
    public static SavedTensors None => default;

    /// <summary>Input <paramref name="index"/>.</summary>
    public static SavedTensors Input(int index) => new(1u << index);

    /// <summary>Output <paramref name="index"/>.</summary>
    public static SavedTensors Output(int index) => new(0, 1u << index);

    /// <summary>What a product of inputs 0 and 1 reads: for the gradient of each the other one.</summary>
    public static SavedTensors OfProduct(uint wanted) => Input(1).When((wanted & 1) != 0) | Input(0).When((wanted & 2) != 0);

    /// <summary>Both sets together.</summary>
    public static SavedTensors operator |(SavedTensors a, SavedTensors b) => a.BitwiseOr(b);

    /// <summary>Both sets together.</summary>
    public SavedTensors BitwiseOr(SavedTensors other) => new(Inputs | other.Inputs, Outputs | other.Outputs);

    /// <summary>This set where <paramref name="condition"/> holds, else nothing.</summary>
    public SavedTensors When(bool condition) => condition ? this : None;
}
