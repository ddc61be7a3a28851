using System.Runtime.InteropServices;

namespace Fovea.Training;

/// <summary>Inputs and outputs of a <see cref="HostOperation"/> in host memory: in place where they are there already, else
/// copied.</summary>
public sealed class HostTensors
{
    private readonly ForwardPass _pass;
    private readonly byte[]?[] _outputs;

    internal HostTensors(ForwardPass pass, int outputs) => (_pass, _outputs) = (pass, new byte[]?[outputs]);

    /// <summary>Whether input <paramref name="index"/> is present.</summary>
    public bool Has(int index) => _pass.Optional(index) is not null;

    /// <summary>The run's random numbers: others in each step, the same when a step is computed again or resumed.</summary>
    /// <param name="sequence">Tells the operations of a tape apart.</param>
    public CounterRandom Random(long sequence)
    {
        var state = _pass.RandomState.ToArray<long>(_pass.Stream);
        return new CounterRandom(state[0], state[1], sequence);
    }

    /// <summary>Shape of input <paramref name="index"/>.</summary>
    public ReadOnlySpan<long> InputShape(int index) => _pass.Input(index).Shape;

    /// <summary>Shape of output <paramref name="index"/>.</summary>
    public ReadOnlySpan<long> OutputShape(int index) => _pass.Output(index).Shape;

    /// <summary>The elements of an input, in row-major order.</summary>
    public ReadOnlySpan<T> Input<T>(int index) where T : unmanaged
    {
        var tensor = _pass.Input(index);
        return IsInPlace(tensor) ? tensor.AsSpan<T>() : tensor.ToArray<T>(_pass.Stream);
    }

    /// <summary>Where the elements of an output go, in row-major order; undefined at first.</summary>
    public Span<T> Output<T>(int index) where T : unmanaged
    {
        var tensor = _pass.Output(index);
        if (IsInPlace(tensor)) return tensor.AsSpan<T>();
        return MemoryMarshal.Cast<byte, T>((_outputs[index] ??= new byte[checked(tensor.ElementCount * tensor.DType.Size())]).AsSpan());
    }

    internal void WriteBack()
    {
        for (var i = 0; i < _outputs.Length; i++)
        {
            if (_outputs[i] is not { } bytes) continue;
            var tensor = _pass.Output(i);
            if (tensor.DType == DType.Float32) tensor.CopyFrom<float>(_pass.Stream, MemoryMarshal.Cast<byte, float>(bytes));
            else if (tensor.DType == DType.Int32) tensor.CopyFrom<int>(_pass.Stream, MemoryMarshal.Cast<byte, int>(bytes));
            else throw new NotSupportedException($"host operations write f32 and i32, not {tensor}");
        }
    }

    // Streams of the CPU run each call before it returns: there is nothing to wait for.
    private static bool IsInPlace(DeviceTensor tensor) => tensor.Device.Type == DeviceType.Cpu && tensor.IsContiguous;
}
