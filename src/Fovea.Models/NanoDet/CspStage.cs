namespace Fovea.Models.NanoDet;

/// <summary>A cross-stage partial stage (Wang et al., "CSPNet", 2020): <c>x0 = first(x)</c>, blocks, <c>[last(blocks(x0)), x0]</c>. A block
/// is <c>[second(a), a]</c> with <c>a = narrow(x)</c>. Concatenations are not copied: each convolution writes its own columns.</summary>
/// <param name="first">To the stage's channels, with its stride.</param>
/// <param name="blocks">Pairs of convolutions to half the channels.</param>
/// <param name="last">Keeps the channels.</param>
/// <param name="channels">Of the stage; the result has twice as many.</param>
/// <param name="stride">Of the first convolution.</param>
internal sealed class CspStage(
    Conv2DLayer first, (Conv2DLayer Narrow, Conv2DLayer Second)[] blocks, Conv2DLayer last, int channels, int stride) : ILayer
{
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        long height = x.Shape[1] / stride, width = x.Shape[2] / stride;
        var joined = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], height, width, 2 * channels);
        var current = joined.Columns(channels, channels);
        first.Forward(stream, x, current);
        DeviceTensor? previous = null;
        foreach (var (narrow, second) in blocks)
        {
            var pair = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], height, width, channels);
            var half = pair.Columns(channels / 2, channels / 2);
            narrow.Forward(stream, current, half);
            second.Forward(stream, half, pair.Columns(0, channels / 2));
            previous?.Dispose();
            current = previous = pair;
        }

        last.Forward(stream, current, joined.Columns(0, channels));
        previous?.Dispose();
        return joined;
    }

    public void Dispose()
    {
        first.Dispose();
        foreach (var (narrow, second) in blocks)
        {
            narrow.Dispose();
            second.Dispose();
        }

        last.Dispose();
    }
}
