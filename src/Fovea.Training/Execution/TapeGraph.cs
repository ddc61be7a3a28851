using Fovea.Training.Planning;

namespace Fovea.Training;

/// <summary>A tape seen as a graph: one node per operation forward, whose result may be evicted, and one per operation backward, which
/// runs once. When gradients begin and end does not depend on what is evicted, so they are reserved memory and no results.</summary>
internal sealed class TapeGraph
{
    private readonly TapeStep[] _steps; // by node

    public TapeGraph(TapeProgram program, StepProfile profile)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(profile);
        var tape = program.Tape;
        var steps = StepCompiler.Compile(tape, program.LossSlot, program.Kept, TapeOrder.KeepAll(tape));
        var loss = tape.Slots[program.LossSlot].Root;
        var kept = program.Kept.Select(slot => tape.Slots[slot].Root).Append(loss).ToHashSet();
        var nodeOf = new int[tape.Count]; // of the operation's forward run
        var nodes = new GraphNode[steps.Length];
        long reserved = 0;
        for (var i = 0; i < steps.Length; i++)
        {
            var (kind, index) = steps[i].Step;
            var op = tape.Ops[index];
            if (kind == TapeStepKind.Forward)
            {
                nodeOf[index] = i;
                var bytes = op.Outputs.Sum(Bytes);
                // What is read after the run stays; a result of no bytes is never evicted.
                if (op.Outputs.Any(kept.Contains)) (reserved, bytes) = (reserved + bytes, 0);
                nodes[i] = new GraphNode(profile.ForwardMs(index), bytes, Makers(op.Inputs.Where(s => s >= 0)))
                {
                    WorkBytes = profile.ForwardBytes(index),
                    ReservedBytes = reserved,
                };
                continue;
            }
            reserved += steps[i].NewGradients.Where(r => tape.Slots[r].Parameter is null).Sum(Bytes);
            nodes[i] = new GraphNode(profile.BackwardMs(index), 0, Makers(tape.SavedRoots(index)))
            {
                WorkBytes = profile.BackwardBytes(index),
                ReservedBytes = reserved,
            };
            reserved -= steps[i].DeadGradients.Where(r => r != loss).Sum(Bytes);
        }
        _steps = [.. steps.Select(s => s.Step)];
        Nodes = nodes;

        long Bytes(int root) => DeviceMemoryPool.BlockBytes(tape.Slots[root].Spec.Bytes);

        int[] Makers(IEnumerable<int> slots) =>
            [.. slots.Select(s => tape.Slots[tape.Slots[s].Root].Producer).Where(p => p >= 0).Select(p => nodeOf[p]).Distinct()];
    }

    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>The steps that a schedule runs. Nothing is said about what it releases: a result dies with its last reader before it is
    /// made again, which is never later.</summary>
    public IReadOnlyList<TapeStep> Order(GraphSchedule schedule) =>
        [.. schedule.Ops.Where(op => !op.IsFree).Select(op => _steps[op.Node])];
}
