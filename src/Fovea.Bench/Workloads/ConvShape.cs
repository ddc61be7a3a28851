namespace Fovea.Bench.Workloads;

/// <summary>The sizes of a square convolution.</summary>
public sealed record ConvShape(int InChannels, int OutChannels, int Height, int Width, int Kernel, int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, int Batch = 1)
{
    public int OutHeight => (Height + 2 * Padding - Dilation * (Kernel - 1) - 1) / Stride + 1;

    public int OutWidth => (Width + 2 * Padding - Dilation * (Kernel - 1) - 1) / Stride + 1;

    public long InputCount => (long)Batch * Height * Width * InChannels;

    public long OutputCount => (long)Batch * OutHeight * OutWidth * OutChannels;

    public long WeightCount => (long)OutChannels * Kernel * Kernel * (InChannels / Groups);

    public double Flops => 2.0 * OutputCount * Kernel * Kernel * (InChannels / Groups);

    /// <summary>Uniform weights up to this keep the variance from layer to layer.</summary>
    public float WeightBound => MathF.Sqrt(3f / (Kernel * Kernel * (InChannels / Groups)));

    /// <summary>Without activation.</summary>
    public Conv2DOptions Options => new(InChannels, OutChannels, Kernel) { Stride = Stride, Padding = Padding, Dilation = Dilation, Groups = Groups };
}
