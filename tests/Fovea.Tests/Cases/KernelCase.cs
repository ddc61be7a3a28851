namespace Fovea.Tests.Cases;

/// <summary>One kernel with one set of shapes. From it come: every instruction set against the reference, determinism over runs
/// and threads, captured against eager, managed garbage, NaN, and a benchmark row.</summary>
public sealed class KernelCase(string name, Func<DeviceStream, KernelRun> build)
{
    public string Name { get; } = name;

    /// <summary>Makes inputs and outputs; the caller disposes them.</summary>
    public Func<DeviceStream, KernelRun> Build { get; } = build;

    /// <summary>Largest allowed |y - reference| relative to max(1, |reference|) for Float32 outputs. 0: the same bits.</summary>
    public double Tolerance { get; init; }

    /// <summary>Largest allowed difference of UInt8 outputs: 1 where a value near a half may round either way in f32.</summary>
    public int Steps { get; init; }

    /// <summary>A NaN in the first element of the first input must reach the first output.</summary>
    public bool PropagatesNan { get; init; }

    /// <summary>Bytes read and written once, for the bandwidth column.</summary>
    public long Bytes { get; init; }

    /// <summary>Floating-point operations, for the throughput column.</summary>
    public long Flops { get; init; }

    public override string ToString() => Name;
}
