using Fovea.Tests.Cases;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>What every kernel must do, for every case of the table.</summary>
public sealed class KernelCaseTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();
    private readonly ThreadPoolOptions _threads = FoveaRuntime.Threads;

    public void Dispose()
    {
        FoveaRuntime.ForceInstructionSet(null);
        FoveaRuntime.Threads = _threads;
        Assert.Equal(0, _stream.Pool.Statistics.LiveLeases);
        _stream.Dispose();
    }

    [Theory]
    [MemberData(nameof(KernelCases.Names), MemberType = typeof(KernelCases))]
    public void EveryInstructionSetMatchesTheReference(string name)
    {
        var kernelCase = KernelCases.Find(name);
        using var run = Build(kernelCase);
        FoveaRuntime.ForceInstructionSet(InstructionSet.Reference);
        var reference = Bits.Run(run, _stream);
        for (var isa = InstructionSet.Scalar; isa <= FoveaRuntime.Detected; isa++)
        {
            FoveaRuntime.ForceInstructionSet(isa);
            Bits.AssertClose(run, reference, Bits.Run(run, _stream), kernelCase, $"{name} with {isa}");
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Names), MemberType = typeof(KernelCases))]
    public void RunsAndThreadCountsGiveTheSameBits(string name)
    {
        using var run = Build(KernelCases.Find(name));
        FoveaRuntime.Threads = new ThreadPoolOptions { Count = 1 };
        var alone = Bits.Run(run, _stream);
        foreach (var count in (int[])[1, 2, 3])
        {
            FoveaRuntime.Threads = new ThreadPoolOptions { Count = count };
            Bits.AssertEqual(alone, Bits.Run(run, _stream), $"{name} with {count} threads");
        }
    }

    [Theory]
    [MemberData(nameof(KernelCases.Names), MemberType = typeof(KernelCases))]
    public void ReplayGivesTheBitsOfTheEagerRun(string name)
    {
        using var run = Build(KernelCases.Find(name));
        var eager = Bits.Run(run, _stream);
        using var graph = Capture(run);
        for (var i = 0; i < 2; i++) Bits.AssertEqual(eager, Bits.Run(run, _stream, graph.Replay), name);
    }

    [Theory]
    [MemberData(nameof(KernelCases.Names), MemberType = typeof(KernelCases))]
    public void EagerCallsAndReplaysMakeNoGarbage(string name)
    {
        using var run = Build(KernelCases.Find(name));
        Assert.Equal(0, Garbage.Of(() => run.Call(_stream)));
        using var graph = Capture(run);
        Assert.Equal(0, Garbage.Of(() => graph.Replay(_stream)));
    }

    [Theory]
    [MemberData(nameof(KernelCases.NanNames), MemberType = typeof(KernelCases))]
    public void NanReachesTheOutput(string name)
    {
        using var run = Build(KernelCases.Find(name));
        run.Inputs[0].AsSpan<float>()[0] = float.NaN;
        for (var isa = InstructionSet.Reference; isa <= FoveaRuntime.Detected; isa++)
        {
            FoveaRuntime.ForceInstructionSet(isa);
            Bits.Run(run, _stream);
            Assert.True(run.Outputs[0].ToArray<float>(_stream).Any(float.IsNaN), $"{name} with {isa}: the NaN was lost");
        }
    }

    [Fact]
    public void NamesAreUnique() => Assert.Equal(KernelCases.All.Count, KernelCases.All.Select(c => c.Name).Distinct().Count());

    private KernelRun Build(KernelCase kernelCase) => kernelCase.Build(_stream);

    private CapturedGraph Capture(KernelRun run)
    {
        using var capture = _stream.BeginCapture();
        run.Call(_stream);
        return capture.End();
    }
}
