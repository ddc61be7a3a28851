namespace Fovea.Data;

/// <summary>Gives what it is fed in another order, as tf.data's shuffle does: it holds so many records, gives a random one of
/// them, and puts the next one in its place. The order is a function of the seed.</summary>
internal sealed class ShuffleBuffer(int capacity, ulong seed)
{
    private readonly Slot[] _slots = new Slot[capacity];
    private ulong _state = seed;
    private int _count;
    private byte[] _given = [];

    internal bool IsFull => _count == capacity;

    /// <summary>Adds a record; one that will not stay where it is, is copied.</summary>
    internal void Add(ReadOnlyMemory<byte> record, bool stays) => _slots[_count++].Hold(record, stays);

    /// <summary>A random record, valid until the next call; false where there is none.</summary>
    internal bool TryTake(out ReadOnlyMemory<byte> record)
    {
        record = default;
        if (_count == 0) return false;
        ref var slot = ref _slots[(int)Below((uint)_count)];
        record = slot.Record;
        // The memory that was given out last serves the slot, and the slot's is given out now.
        (slot.Copy, _given) = (_given, slot.Copy ?? []);
        // The last slot fills the hole; its memory goes with it.
        (slot, _slots[_count - 1]) = (_slots[_count - 1], slot);
        _count--;
        return true;
    }

    // SplitMix64, and Lemire's unbiased reduction.
    private uint Below(uint bound)
    {
        while (true)
        {
            var product = (ulong)(uint)(Next() >> 32) * bound;
            if ((uint)product >= (0 - bound) % bound) return (uint)(product >> 32);
        }
    }

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private struct Slot
    {
        internal byte[]? Copy;

        internal ReadOnlyMemory<byte> Record { get; private set; }

        internal void Hold(ReadOnlyMemory<byte> record, bool stays)
        {
            if (stays)
            {
                Record = record;
                return;
            }
            Copy ??= [];
            if (Copy.Length < record.Length)
                Copy = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, Math.Max(record.Length, 2L * Copy.Length)));
            record.CopyTo(Copy);
            Record = Copy.AsMemory(0, record.Length);
        }
    }
}
