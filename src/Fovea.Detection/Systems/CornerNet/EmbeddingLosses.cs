using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The losses that make the tags of one object's corners equal and those of different objects of an image differ (Law and Deng,
/// "CornerNet", 2018, after Newell, Huang, Deng, "Associative Embedding", 2017). Both are summed over the images of a batch, as published.</summary>
internal static class EmbeddingLosses
{
    /// <summary>Sum of (t - m)^2 + (b - m)^2 over objects, per image divided by N + 1e-4.</summary>
    /// <param name="topLeft">t [B*M][1].</param>
    /// <param name="bottomRight">b [B*M][1].</param>
    /// <param name="weights">[B*M][1]: 1/(N + 1e-4), 0 at empty places.</param>
    public static Value Pull(Value topLeft, Value bottomRight, Value weights)
    {
        // Both tags are half their difference away from the mean.
        var difference = topLeft.Subtract(bottomRight);
        return difference.Multiply(difference).Affine(0.5f).Multiply(weights).Sum();
    }

    /// <summary>Sum of max(0, 1 - |m_j - m_k|) over ordered pairs of different objects of an image, divided by N(N - 1). The published code adds
    /// the pairs j = k and takes their N off again but for 1e-4; here they never enter.</summary>
    /// <param name="topLeft">t [B*M][1].</param>
    /// <param name="bottomRight">b [B*M][1].</param>
    /// <param name="weights">[B][M][M]: 1/(N(N - 1)), 0 elsewhere.</param>
    public static Value Push(Value topLeft, Value bottomRight, Value weights)
    {
        var (images, places) = (weights.Shape[0], weights.Shape[1]);
        var means = topLeft.Add(bottomRight).Affine(0.5f);
        var distances = means.Reshape(images, places, 1).Subtract(means.Reshape(images, 1, places)).Unary(UnaryOp.Abs);
        return distances.Affine(-1, 1).Activate(Activation.Relu).Multiply(weights).Sum();
    }
}
