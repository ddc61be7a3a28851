using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Fovea.Training.Planning;

namespace Fovea.Training;

/// <summary>What the plan of a tape depends on, for <see cref="PlanCache{TPlan}"/>. Hashes of operations differ from process to
/// process, so keys are not for files.</summary>
internal static class TapeKey
{
    public static PlanKey Of(TapeProgram program, long available, PlannerOptions options)
    {
        var tape = program.Tape;
        var device = program.Stream.Device;
        List<int> graph = [(int)device.Type, device.Id, program.LossSlot, .. program.Kept.Order()];
        foreach (var op in tape.Ops)
            graph.AddRange([op.Operation.GetHashCode(), (int)op.Wanted, op.Inputs.Length, .. op.Inputs, .. op.Outputs]);
        var shapes = new List<int>();
        foreach (var slot in tape.Slots)
        {
            shapes.AddRange([(int)slot.Spec.DType, slot.Spec.Rank, slot.Root, slot.Parameter is null ? 0 : 1]);
            foreach (var size in slot.Spec.Shape) shapes.AddRange([(int)size, (int)(size >> 32)]);
        }
        return new PlanKey(Hash(graph), Hash(shapes), available, options);
    }

    private static ulong Hash(List<int> words) =>
        MemoryMarshal.Read<ulong>(SHA256.HashData(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(words))));
}
