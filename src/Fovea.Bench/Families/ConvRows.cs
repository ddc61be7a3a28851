using Fovea.Bench.Workloads;

namespace Fovea.Bench.Families;

/// <summary>Convolutions with bias and ReLU: layers of common backbones and detectors, and ragged channel counts.</summary>
internal static class ConvRows
{
    public static IEnumerable<Workload> Dense()
    {
        yield return Row("first 3->32 k3 s2 @640", new ConvShape(3, 32, 640, 640, 3, 2, 1));
        yield return Row("stem 3->64 k7 s2 @224", new ConvShape(3, 64, 224, 224, 7, 2, 3));
        foreach (var (channels, size) in ((int, int)[])[(64, 160), (64, 56), (128, 80), (256, 40), (256, 14), (512, 20), (512, 7)])
            yield return Row($"3x3 {channels}->{channels} @{size}", new ConvShape(channels, channels, size, size, 3, 1, 1));
        foreach (var (from, to, size) in ((int, int, int)[])[(24, 40, 56), (40, 40, 56), (72, 72, 28)])
            yield return Row($"3x3 {from}->{to} @{size}", new ConvShape(from, to, size, size, 3, 1, 1));
        foreach (var (channels, size) in ((int, int)[])[(64, 56), (512, 28)])
            yield return Row($"3x3 d2 {channels}->{channels} @{size}", new ConvShape(channels, channels, size, size, 3, 1, 2, 2));
        foreach (var (from, to, size) in ((int, int, int)[])[(64, 128, 56), (256, 512, 14)])
            yield return Row($"3x3 s2 {from}->{to} @{size}", new ConvShape(from, to, size, size, 3, 2, 1));
        foreach (var (from, to, size) in ((int, int, int)[])[(256, 64, 56), (64, 256, 56), (512, 2048, 7)])
            yield return Row($"1x1 {from}->{to} @{size}", new ConvShape(from, to, size, size, 1));
        yield return Row("pnet 3->10 k3 384x512", new ConvShape(3, 10, 384, 512, 3));
        yield return Row("pnet 10->16 k3 191x255", new ConvShape(10, 16, 191, 255, 3));
        yield return Row("pnet 16->32 k3 189x253", new ConvShape(16, 32, 189, 253, 3));
        yield return Row("b8 3x3 64->64 @56", new ConvShape(64, 64, 56, 56, 3, 1, 1, Batch: 8));
        yield return Row("b8 3x3 256->256 @14", new ConvShape(256, 256, 14, 14, 3, 1, 1, Batch: 8));
        yield return Row("b8 1x1 256->64 @56", new ConvShape(256, 64, 56, 56, 1, Batch: 8));
        yield return Row("b8 stem 3->64 k7 s2 @224", new ConvShape(3, 64, 224, 224, 7, 2, 3, Batch: 8));
    }

    public static IEnumerable<Workload> Depthwise()
    {
        yield return new ConvWorkload("depthwise", "3x3 128 @80", Depthwise(128, 80, 1));
        yield return new ConvWorkload("depthwise", "3x3 s2 128 @80", Depthwise(128, 80, 2));
        yield return new ConvWorkload("depthwise", "3x3 72 @56", Depthwise(72, 56, 1));
        yield return new ConvWorkload("depthwise", "b8 3x3 128 @80", Depthwise(128, 80, 1) with { Batch = 8 });
    }

    public static IEnumerable<Workload> Separable()
    {
        yield return new SeparableWorkload("128->128 @80", 128, 128, 80, 1);
        yield return new SeparableWorkload("s2 128->256 @80", 128, 256, 80, 2);
        yield return new SeparableWorkload("24->24 @128", 24, 24, 128, 1);
        yield return new SeparableWorkload("256->256 @28", 256, 256, 28, 1);
    }

    private static ConvShape Depthwise(int channels, int size, int stride) => new(channels, channels, size, size, 3, stride, 1, Groups: channels);

    private static ConvWorkload Row(string name, ConvShape shape) => new("conv", name, shape);
}
