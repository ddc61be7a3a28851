namespace Fovea.Training;

/// <summary>One recorded operation: what runs, from which slots, into which slots.</summary>
/// <param name="Operation">Kernel and attributes.</param>
/// <param name="Inputs">Slots; -1 for an absent input.</param>
/// <param name="Outputs">Slots.</param>
/// <param name="Wanted">Bit i: a gradient flows into input i. 0: the operation has no backward pass.</param>
/// <param name="Scope">Where in the model it was recorded, "encoder/block3"; empty outside all scopes.</param>
internal sealed record TapeOp(Operation Operation, int[] Inputs, int[] Outputs, uint Wanted, string Scope)
{
    /// <summary>What the backward pass will read.</summary>
    public SavedTensors Saves { get; } = Wanted == 0 ? SavedTensors.None : Operation.Saves(Wanted);

    public bool IsView => Operation is ViewOperation;

    /// <summary>For error messages and plans: "encoder/block3/conv2d".</summary>
    public string Path => Scope.Length == 0 ? Operation.Name : $"{Scope}/{Operation.Name}";
}
