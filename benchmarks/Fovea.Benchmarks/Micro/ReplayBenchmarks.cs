using BenchmarkDotNet.Attributes;

namespace Fovea.Benchmarks.Micro;

/// <summary>What a call costs besides its arithmetic: a tensor of 16 floats through one kernel eagerly, and through captured graphs
/// of 1 and 32 kernels.</summary>
[MemoryDiagnoser]
[InProcess] // a child project would be built without the native library's set-up, and would build it again
public class ReplayBenchmarks
{
    private DeviceStream _stream = null!;
    private DeviceTensor _x = null!;
    private DeviceTensor _y = null!;
    private CapturedGraph _one = null!;
    private CapturedGraph _many = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        _x = DeviceTensor.From<float>(_stream, new float[16], 16);
        _y = DeviceTensor.Allocate(_stream, DType.Float32, 16);
        _one = Capture(1);
        _many = Capture(32);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _many.Dispose();
        _one.Dispose();
        _y.Dispose();
        _x.Dispose();
        _stream.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Eager() => Kernels.Activate(_stream, Activation.Relu, _x, slope: null, _y);

    [Benchmark]
    public void Replay1() => _one.Replay(_stream);

    [Benchmark]
    public void Replay32() => _many.Replay(_stream);

    private CapturedGraph Capture(int nodes)
    {
        using var capture = _stream.BeginCapture();
        for (int i = 0; i < nodes; i++) Kernels.Activate(_stream, Activation.Relu, _x, slope: null, _y);
        return capture.End();
    }
}
