namespace Fovea.Training.Planning;

/// <summary>One op of a schedule. A schedule is a plain list of these, executed in order by a loop that decides
/// nothing.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Tensor">What to release or to move; for forward, backward and loss the output of the stage that runs.</param>
/// <param name="IsNarrow">Of <see cref="ScheduleOpKind.ForwardSaveAll"/> and <see cref="ScheduleOpKind.Backward"/>: the stage
/// runs in its <see cref="ChainStage.Narrow"/> form.</param>
public readonly record struct ScheduleOp(ScheduleOpKind Kind, ScheduleTensor Tensor, bool IsNarrow = false)
{
    /// <summary>A forward or backward run of a stage, or the loss.</summary>
    public ScheduleOp(ScheduleOpKind kind, int stage, bool isNarrow = false)
        : this(kind, ScheduleTensor.Output(stage), isNarrow)
    {
    }

    /// <summary>The stage that runs, or that made the tensor.</summary>
    public int Stage => Tensor.Stage;

    /// <summary>True for the three kinds of forward run.</summary>
    public bool IsForward => Kind <= ScheduleOpKind.ForwardDiscard;

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ScheduleOpKind.Free or ScheduleOpKind.Offload or ScheduleOpKind.Prefetch => $"{Kind}({Tensor})",
        _ => $"{Kind}({Stage}{(IsNarrow ? ", narrow" : "")})",
    };
}
