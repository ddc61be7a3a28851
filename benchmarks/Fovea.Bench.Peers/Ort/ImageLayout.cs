namespace Fovea.Bench.Peers.Ort;

/// <summary>Between channels last, Fovea's layout, and channels first, the layout of ONNX.</summary>
internal static class ImageLayout
{
    /// <summary>[n][pixels][channels] to [n][channels][pixels]; also weights [out][kh*kw][in] to [out][in][kh*kw].</summary>
    public static float[] ToChannelsFirst(float[] data, int n, int pixels, int channels)
    {
        var result = new float[data.Length];
        for (int i = 0; i < n; i++)
        {
            for (int p = 0; p < pixels; p++)
            {
                for (int c = 0; c < channels; c++) result[((long)i * channels + c) * pixels + p] = data[((long)i * pixels + p) * channels + c];
            }
        }

        return result;
    }

    /// <summary>The way back.</summary>
    public static float[] ToChannelsLast(float[] data, int n, int pixels, int channels) => ToChannelsFirst(data, n, channels, pixels);
}
