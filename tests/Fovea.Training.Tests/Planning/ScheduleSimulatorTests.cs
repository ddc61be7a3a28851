using Fovea.Training.Planning;
using static Fovea.Training.Planning.ScheduleOpKind;

namespace Fovea.Training.Tests.Planning;

public sealed class ScheduleSimulatorTests
{
    // Input 4; stage 1: output 8, saved 18; stage 2: output 16, saved 16.
    private static readonly Chain Two = new(4, [new(1, 2, 8, 18, 5, 6), new(3, 4, 16, 16, 7, 9)]);

    private static ScheduleOp Op(ScheduleOpKind kind, int stage, bool isNarrow = false) => new(kind, stage, isNarrow);

    private static ScheduleOp Move(ScheduleOpKind kind, ScheduleTensor tensor) => new(kind, tensor);

    [Fact]
    public void BytesOfEveryOpAreCounted()
    {
        var simulation = ScheduleSimulator.Run(Two,
            [Op(ForwardSaveAll, 1), Op(ForwardSaveAll, 2), Op(Loss, 2), Op(Backward, 2), Op(Backward, 1)]);
        Assert.Equal([4 + 18 + 5, 4 + 18 + 16 + 7, 4 + 18 + 32, 4 + 18 + 32 + 9, 4 + 18 + 8 + 6], simulation.Steps.Select(s => s.LiveBytes));
        Assert.Equal(63, simulation.PeakBytes);
        Assert.Equal([(0, 1), (1, 4), (4, 4), (4, 8), (8, 10)], simulation.Steps.Select(s => (s.StartMs, s.EndMs)));
    }

    [Fact]
    public void CopiesOverlapComputeAndFreeWaitsForThem()
    {
        // Saved tensors of stage 1 are 10 bytes: 5 ms out, 2.5 ms back.
        var saved = ScheduleTensor.Saved(1);
        ScheduleOp[] ops =
        [
            Op(ForwardSaveAll, 1), Move(Offload, saved), Op(ForwardSaveAll, 2), Move(Free, saved),
            Op(Loss, 2), Move(Prefetch, saved), Op(Backward, 2), Op(Backward, 1),
        ];
        var simulation = ScheduleSimulator.Run(Two, ops, new HostLink(2, 4));
        Assert.Equal([(0, 1), (1, 6), (1, 4), (4, 6), (6, 6), (6, 8.5), (6, 10), (10, 12)], simulation.Steps.Select(s => (s.StartMs, s.EndMs)));
        Assert.Equal((12, 10, 7.5, 10), (simulation.Ms, simulation.ComputeMs, simulation.CopyMs, simulation.HostPeakBytes));
        // Gone during the loss: input, output, output and gradient of stage 2.
        Assert.Equal(4 + 8 + 32, simulation.Steps[4].LiveBytes);
    }

    [Fact]
    public void BackwardWaitsForWhatIsFetched()
    {
        var saved = ScheduleTensor.Saved(1);
        ScheduleOp[] ops =
        [
            Op(ForwardSaveAll, 1), Move(Offload, saved), Move(Free, saved), Op(ForwardSaveAll, 2),
            Op(Loss, 2), Op(Backward, 2), Move(Prefetch, saved), Op(Backward, 1),
        ];
        var simulation = ScheduleSimulator.Run(Two, ops, new HostLink(2, 4, LatencyMs: 1));
        Assert.Equal(1 + 6 + 3 + 4 + 3.5 + 2, simulation.Ms);
    }

    [Fact]
    public void MistakesAreNamed()
    {
        Fails("op 0 ForwardSaveAll(2): the input is not live", Op(ForwardSaveAll, 2));
        Fails("op 0 Backward(2): the input is not live", Op(Backward, 2));
        Fails("op 0 ForwardSaveAll(3): stages go from 1 to 2", Op(ForwardSaveAll, 3));
        Fails("op 0 ForwardDiscard(1): the input of the chain belongs to the caller", Op(ForwardDiscard, 1));
        Fails("stage 1 has no narrow form", Op(ForwardSaveAll, 1, isNarrow: true));
        Fails("op 0 Loss(1): the loss follows stage 2", Op(Loss, 1));
        Fails("op 1 ForwardSaveAll(1): the output is live already", Op(ForwardSaveAll, 1), Op(ForwardSaveAll, 1));
        Fails("op 2 Backward(2): the set of saved tensors is not live", Op(ForwardSaveAll, 1), Op(ForwardCheckpoint, 2), Op(Backward, 2));
        Fails("op 2 Backward(2): the gradient of the output is not live", Op(ForwardSaveAll, 1), Op(ForwardSaveAll, 2), Op(Backward, 2));
        Fails("op 3 Loss(2): the gradient is live already", Op(ForwardSaveAll, 1), Op(ForwardSaveAll, 2), Op(Loss, 2), Op(Loss, 2));
        Fails("op 0 Free(output of stage 2): the tensor is not live", Move(Free, ScheduleTensor.Output(2)));
        Fails("op 0 Prefetch(input of the chain): the tensor is not on the host", Move(Prefetch, ScheduleTensor.Output(0)));
        Fails("op 0 Offload(input of the chain): no speed of copies is given", Move(Offload, ScheduleTensor.Output(0)));
        Fails("the schedule ends before stage 1 has run backward", Op(ForwardSaveAll, 1));
        Fails("stage 2: the schedule leaves its output or saved tensors behind",
            Op(ForwardSaveAll, 1), Op(ForwardSaveAll, 2), Op(Loss, 2), Op(Backward, 2), Op(ForwardCheckpoint, 2), Op(Backward, 1));
    }

    private static void Fails(string message, params ScheduleOp[] ops) =>
        Assert.Equal(message, Assert.Throws<InvalidScheduleException>(() => ScheduleSimulator.Run(Two, ops)).Message);
}
