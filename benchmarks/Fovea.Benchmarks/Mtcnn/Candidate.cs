namespace Fovea.Benchmarks.Mtcnn;

/// <summary>A box on its way through the cascade, in 1-based inclusive pixels as MTCNN counts them, with the network's opinion of
/// it.</summary>
internal struct Candidate
{
    public float X1, Y1, X2, Y2, Score;

    public float Dx1, Dy1, Dx2, Dy2;

    /// <summary>Applies the regression; <paramref name="one"/> is 1 where widths are inclusive.</summary>
    public void Regress(float one)
    {
        float w = X2 - X1 + one, h = Y2 - Y1 + one;
        X1 += Dx1 * w;
        Y1 += Dy1 * h;
        X2 += Dx2 * w;
        Y2 += Dy2 * h;
    }

    /// <summary>Grows the box to a square about its centre and truncates it to whole pixels.</summary>
    public void Square()
    {
        float w = X2 - X1, h = Y2 - Y1, side = Math.Max(w, h);
        float x = X1 + (w - side) * 0.5f, y = Y1 + (h - side) * 0.5f;
        X1 = MathF.Truncate(x);
        Y1 = MathF.Truncate(y);
        X2 = MathF.Truncate(x + side);
        Y2 = MathF.Truncate(y + side);
    }
}
