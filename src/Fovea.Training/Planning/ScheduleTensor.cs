namespace Fovea.Training.Planning;

/// <summary>A tensor, or the group of tensors, that a schedule moves as one.</summary>
/// <param name="Stage">The stage that makes it; 0 for the input of the chain.</param>
/// <param name="IsSaved">True for the saved tensors of the stage without its output, false for its output.</param>
public readonly record struct ScheduleTensor(int Stage, bool IsSaved)
{
    /// <summary>The output of a stage.</summary>
    public static ScheduleTensor Output(int stage) => new(stage, IsSaved: false);

    /// <summary>What a stage saves besides its output.</summary>
    public static ScheduleTensor Saved(int stage) => new(stage, IsSaved: true);

    /// <inheritdoc/>
    public override string ToString() =>
        IsSaved ? $"saved tensors of stage {Stage}" : Stage == 0 ? "input of the chain" : $"output of stage {Stage}";
}
