namespace Fovea.Models;

/// <summary>Kernels of other frameworks in the order that is used here.</summary>
internal static class KernelLayout
{
    /// <summary><c>[taps][channels]</c> to <c>[channels][taps]</c>: TensorFlow's depthwise kernels [kh][kw][C] to [C][kh][kw], and full ones
    /// [kh][kw][in][out] to [out][kh][kw][in].</summary>
    public static float[] ChannelsFirst(ReadOnlySpan<float> stored, int channels)
    {
        int taps = stored.Length / channels;
        var kernel = new float[stored.Length];
        for (int c = 0; c < channels; c++)
            for (int t = 0; t < taps; t++) kernel[c * taps + t] = stored[t * channels + c];
        return kernel;
    }

    /// <summary><c>[out][in][taps]</c>, as PyTorch and ONNX have it, to <c>[out][taps][in]</c>.</summary>
    public static float[] InputsLast(ReadOnlySpan<float> stored, int inputs, int taps)
    {
        var kernel = new float[stored.Length];
        for (var i = 0; i < stored.Length; i++)
        {
            var (filter, input, tap) = (i / (inputs * taps), i / taps % inputs, i % taps);
            kernel[(filter * taps + tap) * inputs + input] = stored[i];
        }
        return kernel;
    }
}
