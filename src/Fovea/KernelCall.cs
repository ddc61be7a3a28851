using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>One native call on a stream: keeps the stream and the memory of its tensors alive while it runs, and hands them to
/// the graph when it is being recorded. Lives on the stack; costs no garbage.</summary>
internal readonly unsafe ref struct KernelCall
{
    /// <summary>Most leases of one call: ten tensors (the selective scan has as many), each with the tensor that holds its live
    /// count.</summary>
    public const int LargestLeaseCount = 20;

    private readonly DeviceStream _stream;
    private readonly string _operation;
    private readonly Leases _leases;
    private readonly int _count;

    public readonly fovea_stream* Stream;

    public KernelCall(DeviceStream stream, string operation, DeviceTensor? a = null, DeviceTensor? b = null, DeviceTensor? c = null,
        DeviceTensor? d = null, DeviceTensor? e = null, DeviceTensor? f = null, DeviceTensor? g = null, DeviceTensor? h = null,
        DeviceTensor? i = null, DeviceTensor? j = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _operation = operation;
        Stream = stream.Enter();
        try
        {
            Enter(a, stream.Id, ref _leases, ref _count);
            Enter(b, stream.Id, ref _leases, ref _count);
            Enter(c, stream.Id, ref _leases, ref _count);
            Enter(d, stream.Id, ref _leases, ref _count);
            Enter(e, stream.Id, ref _leases, ref _count);
            Enter(f, stream.Id, ref _leases, ref _count);
            Enter(g, stream.Id, ref _leases, ref _count);
            Enter(h, stream.Id, ref _leases, ref _count);
            Enter(i, stream.Id, ref _leases, ref _count);
            Enter(j, stream.Id, ref _leases, ref _count);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A launch of a foreign kernel, which reads no live counts. At most <see cref="LargestLeaseCount"/> arguments are
    /// tensors.</summary>
    public KernelCall(DeviceStream stream, string operation, ReadOnlySpan<CudaArgument> arguments)
    {
        _stream = stream;
        _operation = operation;
        Stream = stream.Enter();
        try
        {
            foreach (ref readonly var argument in arguments)
            {
                if (argument.Tensor is not { } tensor) continue;
                tensor.Lease.Enter(stream.Id);
                _leases[_count++] = tensor.Lease;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Must follow the native call directly: the error message is thread-local.</summary>
    public void Check(fovea_status status)
    {
        Throw.IfFailed(status, _operation);
        if (_stream.Capture is { } capture) Retain(capture.Memory);
    }

    /// <summary>As <see cref="Check"/> of success, for a call that needs <paramref name="code"/> as long as it may be
    /// replayed.</summary>
    public void Recorded(SafeHandle code)
    {
        if (_stream.Capture is not { } capture) return;
        Retain(capture.Memory);
        capture.Memory.Retain(code);
    }

    /// <summary>Scratch memory that may be given back right after the call was enqueued, because reuse is ordered behind
    /// it.</summary>
    public Workspace Rent(long bytes) => new(_stream, bytes);

    public void Dispose()
    {
        for (var i = 0; i < _count; i++) _leases[i]!.Leave();
        _stream.Leave();
    }

    private void Retain(GraphMemory memory)
    {
        for (var i = 0; i < _count; i++) memory.Retain(_leases[i]!);
    }

    private static void Enter(DeviceTensor? tensor, int stream, ref Leases leases, ref int count)
    {
        if (tensor is null) return;
        tensor.Lease.Enter(stream);
        leases[count++] = tensor.Lease;
        if (tensor.LiveLease is not { } live) return;
        live.Enter(stream);
        leases[count++] = live;
    }

    [InlineArray(LargestLeaseCount)]
    private struct Leases
    {
        private MemoryLease? _first;
    }
}
