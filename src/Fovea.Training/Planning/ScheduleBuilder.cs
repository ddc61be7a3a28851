namespace Fovea.Training.Planning;

/// <summary>Writes the op list of persistent schedules: those in which a checkpoint lives until backward has used it.</summary>
internal sealed class ScheduleBuilder(int length)
{
    public List<ScheduleOp> Ops { get; } = [];

    public void SaveAll(int stage, bool isNarrow = false) =>
        Ops.Add(new ScheduleOp(ScheduleOpKind.ForwardSaveAll, stage, isNarrow));

    public void Backward(int stage, bool isNarrow = false) => Ops.Add(new ScheduleOp(ScheduleOpKind.Backward, stage, isNarrow));

    public void Loss() => Ops.Add(new ScheduleOp(ScheduleOpKind.Loss, length));

    public void Free(ScheduleTensor tensor) => Ops.Add(new ScheduleOp(ScheduleOpKind.Free, tensor));

    /// <summary>Runs stages <paramref name="first"/> to <paramref name="next"/> - 1 without saving: keeps the input of the
    /// first and makes the input of <paramref name="next"/>, the new checkpoint.</summary>
    public void Advance(int first, int next)
    {
        for (int l = first; l < next; l++)
            Ops.Add(new ScheduleOp(l == first ? ScheduleOpKind.ForwardCheckpoint : ScheduleOpKind.ForwardDiscard, l));
    }

    /// <summary>Saves all of stages <paramref name="first"/> to <paramref name="last"/>, takes the loss if they end the chain
    /// and it is due, and runs them backward.</summary>
    public void KeepAll(int first, int last, bool isLossDue)
    {
        for (int l = first; l <= last; l++) SaveAll(l);
        if (isLossDue) Loss();
        for (int l = last; l >= first; l--) Backward(l);
    }

    public void ToHost(ScheduleTensor tensor)
    {
        Ops.Add(new ScheduleOp(ScheduleOpKind.Offload, tensor));
        Free(tensor);
    }

    public void ToDevice(ScheduleTensor tensor) => Ops.Add(new ScheduleOp(ScheduleOpKind.Prefetch, tensor));
}
