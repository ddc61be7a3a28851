namespace Fovea.Models.Sequences.Transformers;

/// <summary>Fixed position vectors of sines and cosines, computed in double precision.</summary>
public static class SinusoidalPositions
{
    /// <summary>[length][width]: sin(p / 10000^(2i/width)) at 2i, the cosine at 2i + 1 (Vaswani et al., 2017, section 3.5).</summary>
    public static float[] Interleaved(int length, int width) =>
        Fill(length, width, i => Math.Pow(10000, -2.0 * i / width), i => (2 * i, 2 * i + 1));

    /// <summary>[length][width]: all sines, then all cosines. As in Tensor2Tensor the exponent runs from 0 to 1 inclusive, so the last
    /// frequency is 1/10000 itself: beside the order of the channels, the frequencies differ a little from the paper's.</summary>
    public static float[] Concatenated(int length, int width) =>
        Fill(length, width, i => Math.Pow(10000, -i / Math.Max(width / 2 - 1.0, 1)), i => (i, width / 2 + i));

    private static float[] Fill(int length, int width, Func<int, double> frequency, Func<int, (int Sine, int Cosine)> place)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (width < 2 || width % 2 != 0) throw new ArgumentException($"sines and cosines need an even width, not {width}", nameof(width));
        var table = new float[checked(length * width)];
        for (var i = 0; i < width / 2; i++)
        {
            var (step, at) = (frequency(i), place(i));
            for (var position = 0; position < length; position++)
            {
                var (sine, cosine) = Math.SinCos(position * step);
                (table[position * width + at.Sine], table[position * width + at.Cosine]) = ((float)sine, (float)cosine);
            }
        }
        return table;
    }
}
