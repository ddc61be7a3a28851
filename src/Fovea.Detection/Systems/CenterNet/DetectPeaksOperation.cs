using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Decoding of heat maps, image by image (<see cref="Kernels.PeakBoxes"/>): heat [B][H][W][C], sizes [B][H][W][2], offsets [B][H][W][2] or
/// absent, to [B][capacity][6] with scores of 0 behind the last peak.</summary>
internal sealed record DetectPeaksOperation(PeakOptions Options, int Capacity) : ConstantOperation
{
    public override string Name => "detect_peaks";

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (heat, sizes) = (inputs[0]!, inputs[1]!);
        if (heat.Rank != 4 || sizes.Rank != 4 || !heat.Shape[..3].SequenceEqual(sizes.Shape[..3])) throw Bad($"heat {heat} and sizes {sizes} do not fit");
        outputs[0] = heat.With(heat[0], Capacity, 6);
    }

    public override void Forward(ForwardPass pass)
    {
        var stream = pass.Stream;
        var y = pass.Output();
        y.Fill(stream, 0);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        for (var image = 0; image < y.Shape[0]; image++)
        {
            DeviceTensor? Of(int input) => pass.Optional(input) is { } t ? t.Rows(image, 1).Reshape(t.Shape[1], t.Shape[2], t.Shape[3]) : null;
            count.Fill(stream, 0);
            Kernels.PeakBoxes(stream, Options, Of(0)!, Of(1)!, Of(2), y.Rows(image, 1).Reshape(Capacity, 6), count);
        }
    }
}
