namespace Fovea.Training.Planning;

/// <summary>One tensor of a <see cref="CheckpointPlan"/>.</summary>
/// <param name="Tensor">The output or the saved tensors of a stage.</param>
/// <param name="Name">Name of the stage.</param>
/// <param name="Fate">What happens to it.</param>
/// <param name="IsNarrow">Whether it is stored in bf16.</param>
/// <param name="Bytes">Its bytes on the device.</param>
/// <param name="Ms">What its fate costs: time to recompute, or time that the copy engine is busy with it.</param>
public readonly record struct PlannedTensor(
    ScheduleTensor Tensor,
    string Name,
    TensorFate Fate,
    bool IsNarrow,
    long Bytes,
    double Ms);
