using System.Runtime.InteropServices;

namespace Fovea.Models.Sequences;

/// <summary>What a recurrent model remembers between two calls, for a batch of independent streams: named f32 tensors whose leading
/// dimension is the stream. Kernels read and write them in place, so a captured step needs no copies.</summary>
public sealed class SequenceState : IDisposable
{
    private readonly List<(string Name, DeviceTensor Tensor, float Initial)> _parts = [];

    /// <summary>Starts empty; layers add their parts.</summary>
    /// <param name="stream">Where the tensors are allocated.</param>
    /// <param name="streams">Sequences that advance together.</param>
    public SequenceState(DeviceStream stream, int streams)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(streams);
        (Stream, Streams) = (stream, streams);
    }

    /// <summary>Where the tensors live.</summary>
    public DeviceStream Stream { get; }

    /// <summary>Sequences that advance together.</summary>
    public int Streams { get; }

    /// <summary>Bytes of one saved state: all parts, in the order they were added.</summary>
    public int ByteCount => _parts.Sum(p => checked((int)p.Tensor.ElementCount * sizeof(float)));

    /// <summary>Adds a part of shape <c>[streams, ...shape]</c>, filled with <paramref name="initial"/>.</summary>
    public DeviceTensor Add(string name, float initial, params ReadOnlySpan<long> shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        long[] whole = [Streams, .. shape];
        var tensor = DeviceTensor.Allocate(Stream, DType.Float32, whole);
        _parts.Add((name, tensor, initial));
        Fill(tensor, initial);
        return tensor;
    }

    /// <summary>Every stream begins again.</summary>
    public void Reset()
    {
        foreach (var (_, tensor, initial) in _parts) Fill(tensor, initial);
    }

    /// <summary>One stream begins again; the others go on.</summary>
    public void Reset(int stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stream, Streams);
        foreach (var (_, tensor, initial) in _parts)
            Fill(tensor.Rows(stream, 1), initial);
    }

    /// <summary>Copies the state to host memory of <see cref="ByteCount"/> bytes; waits for the stream.</summary>
    public void Save(Span<byte> bytes)
    {
        CheckSize(bytes.Length);
        var values = MemoryMarshal.Cast<byte, float>(bytes);
        foreach (var (_, tensor, _) in _parts)
        {
            tensor.CopyTo(Stream, values[..(int)tensor.ElementCount]);
            values = values[(int)tensor.ElementCount..];
        }
    }

    /// <summary>Continues where <see cref="Save"/> was called, bit for bit.</summary>
    /// <exception cref="ArgumentException">The bytes are of another model or another number of streams.</exception>
    public void Load(ReadOnlySpan<byte> bytes)
    {
        CheckSize(bytes.Length);
        var values = MemoryMarshal.Cast<byte, float>(bytes);
        foreach (var (_, tensor, _) in _parts)
        {
            tensor.CopyFrom(Stream, values[..(int)tensor.ElementCount]);
            values = values[(int)tensor.ElementCount..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, tensor, _) in _parts) tensor.Dispose();
        _parts.Clear();
    }

    private void CheckSize(int bytes)
    {
        if (bytes != ByteCount) throw new ArgumentException($"this state has {ByteCount} bytes, not {bytes}", nameof(bytes));
    }

    private void Fill(DeviceTensor tensor, float value)
    {
        if (value == 0) { tensor.Fill(Stream, 0); return; }
        var values = new float[tensor.ElementCount];
        values.AsSpan().Fill(value);
        tensor.CopyFrom<float>(Stream, values);
    }
}
