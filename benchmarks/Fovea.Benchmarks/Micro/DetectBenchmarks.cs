using BenchmarkDotNet.Attributes;
using Fovea.Data;
using Fovea.Detection;

namespace Fovea.Benchmarks.Micro;

/// <summary>The face detector on the sample photo, for its managed bytes; times under load belong to <c>mtcnn</c>.</summary>
[MemoryDiagnoser]
[InProcess] // as in ReplayBenchmarks
public class DetectBenchmarks
{
    private readonly FaceDetection[] _faces = new FaceDetection[64];
    private MtcnnModel _model = null!;
    private MtcnnSession _session = null!;
    private RgbImage _image = null!;

    [Params(20, 40)]
    public int MinFace { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var store = new ModelStore();
        _image = ImageFile.LoadRgb(Path.Combine(store.Folder, "images", "sample1.jpg"));
        _model = MtcnnModel.Load(Device.Cpu, store);
        _session = new MtcnnSession(_model, new MtcnnOptions { MinFace = MinFace }, new DeviceStreamOptions { MaxThreads = 1 });
        _session.WarmUp(_image.Width, _image.Height);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _session.Dispose();
        _model.Dispose();
    }

    [Benchmark]
    public int Detect() => _session.Detect(_image.Pixels.Span, _image.Width, _image.Height, _faces);
}
