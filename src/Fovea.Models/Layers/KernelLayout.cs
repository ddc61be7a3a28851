namespace Fovea.Models;

/// <summary>TensorFlow keeps the channels of a kernel last; here they come first.</summary>
internal static class KernelLayout
{
    /// <summary><c>[taps][channels]</c> to <c>[channels][taps]</c>: depthwise kernels [kh][kw][C] to [C][kh][kw], and full ones
    /// [kh][kw][in][out] to [out][kh][kw][in].</summary>
    public static float[] ChannelsFirst(ReadOnlySpan<float> stored, int channels)
    {
        int taps = stored.Length / channels;
        var kernel = new float[stored.Length];
        for (int c = 0; c < channels; c++)
            for (int t = 0; t < taps; t++) kernel[c * taps + t] = stored[t * channels + c];
        return kernel;
    }
}
