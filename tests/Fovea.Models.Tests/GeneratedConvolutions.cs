namespace Fovea.Models.Tests;

/// <summary>Weights for tests that need a network but no trained one: the same on every machine, sized so that values neither fade nor grow
/// from layer to layer.</summary>
internal sealed class GeneratedConvolutions : ConvolutionSource
{
    private readonly Random _random = new(11);

    /// <summary>Number of weights and biases given out.</summary>
    public long Parameters { get; private set; }

    public override (float[] Kernel, float[] Bias) Next(int inputs, int outputs, int size) =>
        (Floats(outputs * size * size * inputs, size * size * inputs), Floats(outputs, outputs));

    public override (float[] Kernel, float[] Bias) NextDepthwise(int channels, int size) =>
        (Floats(channels * size * size, size * size), Floats(channels, channels));

    public override void RequireEnd()
    {
    }

    /// <summary>A weight of TensorFlow's layout, by its shape.</summary>
    public float[] Floats(ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int dimension in shape) count *= dimension;
        return Floats(count, count / shape[^1]);
    }

    private float[] Floats(int count, int summands)
    {
        Parameters += count;
        float bound = MathF.Sqrt(6f / summands);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (_random.NextSingle() * 2 - 1) * bound;
        return values;
    }
}
