using Fovea.Tests.Cases;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>The case table through the CUDA kernels, emulated on the processor, from C# down: same entry points, pools and graphs
/// as on a GPU.</summary>
public sealed class EmulatedKernelTests : IDisposable
{
    private readonly DeviceStream _cpu = Device.Cpu.CreateStream();

    public void Dispose()
    {
        FoveaRuntime.ForceInstructionSet(null);
        _cpu.Dispose();
    }

    [Theory]
    [MemberData(nameof(KernelCases.Names), MemberType = typeof(KernelCases))]
    public void MatchesTheReferenceEagerlyAndCaptured(string name)
    {
        using var stream = Emulated.StreamOrSkip();
        var kernelCase = KernelCases.Find(name);
        FoveaRuntime.ForceInstructionSet(InstructionSet.Reference);
        using var expected = kernelCase.Build(_cpu);
        var reference = Bits.Run(expected, _cpu);

        using var run = Emulated.SupportedOrSkip(() => Started(kernelCase, stream));
        var eager = Bits.Run(run, stream);
        Bits.AssertClose(run, reference, eager, kernelCase, name);
        using var capture = stream.BeginCapture();
        run.Call(stream);
        using var graph = capture.End();
        Bits.AssertEqual(eager, Bits.Run(run, stream, graph.Replay), $"{name}, captured");
        Assert.Equal(0, Garbage.Of(() => graph.Replay(stream)));
        stream.Synchronize();
    }

    // Builds the case and calls it once, so that a kernel that the backend lacks is met here.
    private static KernelRun Started(KernelCase kernelCase, DeviceStream stream)
    {
        var run = kernelCase.Build(stream);
        try
        {
            run.Call(stream);
            return run;
        }
        catch
        {
            stream.Synchronize();
            run.Dispose();
            throw;
        }
    }
}
