namespace Fovea.Models.Mtcnn;

/// <summary>The numbers of one MTCNN network by layer, for images whose rows come first.</summary>
internal abstract class MtcnnWeights
{
    /// <summary>Convolution kernel <c>[out][kh][kw][in]</c>.</summary>
    public abstract float[] Kernel(string layer, int outputs, int size, int inputs);

    /// <summary>Bias <c>[out]</c> of a convolution.</summary>
    public abstract float[] KernelBias(string layer, int outputs);

    /// <summary>Slopes <c>[channels]</c> of a PReLU.</summary>
    public abstract float[] Slopes(string activation, int channels);

    /// <summary>Weights <c>[out][in]</c> of a layer fed by a flattened <c>[size][size][channels]</c> map.</summary>
    public abstract float[] FromMap(string layer, int outputs, int size, int channels);

    /// <summary>Weights <c>[out][in]</c> of a layer fed by features.</summary>
    public abstract float[] Dense(string layer, int outputs, int features);

    /// <summary>Bias <c>[out]</c> of either.</summary>
    public abstract float[] DenseBias(string layer, int outputs);
}
