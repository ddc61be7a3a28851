namespace Fovea.Training;

/// <summary>Random numbers as a function of a number, for sampling in a <see cref="HostOperation"/>: equal states give equal numbers, in any
/// order and on any thread (Philox4x32, as dropout draws).</summary>
/// <param name="Seed">Of the run; see <see cref="TapeProgram.SetRandomState"/>.</param>
/// <param name="Offset">Of the step.</param>
/// <param name="Sequence">Tells the operations of a tape apart.</param>
public readonly record struct CounterRandom(long Seed, long Offset, long Sequence)
{
    /// <summary>32 bits for a number below 2^32, the offsets that a step may use.</summary>
    public uint Bits(uint index) => Philox.Block((ulong)Offset + index, ~(ulong)Sequence, (ulong)Seed).A; // dropouts count from 0 upwards
}
