namespace Fovea.Training;

/// <summary>One step of a program.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Index">Forward and backward: the operation on the tape. The others: the slot of the result.</param>
public readonly record struct TapeStep(TapeStepKind Kind, int Index)
{
    /// <summary>Runs operation <paramref name="op"/> forward.</summary>
    public static TapeStep Forward(int op) => new(TapeStepKind.Forward, op);

    /// <summary>Runs operation <paramref name="op"/> backward.</summary>
    public static TapeStep Backward(int op) => new(TapeStepKind.Backward, op);

    /// <summary>Whether <see cref="Index"/> is an operation.</summary>
    public bool RunsOperation => Kind is TapeStepKind.Forward or TapeStepKind.Backward;
}
