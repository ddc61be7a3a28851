using Fovea.Data;

namespace Fovea.Models.Mtcnn;

/// <summary>P-Net: a 12x12 face / non-face classifier with box regression, run fully convolutionally with stride 2.</summary>
/// <remarks>Zhang et al., "Joint Face Detection and Alignment using Multitask Cascaded Convolutional Networks", 2016; layer
/// sizes as in the facenet port. 6,632 parameters.</remarks>
public sealed class ProposalNet : IDisposable
{
    /// <summary>Side of the classified window in pixels of the scaled image.</summary>
    public const int Window = 12;

    /// <summary>Distance of two windows in pixels of the scaled image.</summary>
    public const int Stride = 2;

    /// <summary>Columns of the output: two class scores (background, face), then dx1, dy1, dx2, dy2.</summary>
    public const int Outputs = 6;

    private readonly Sequential _layers;

    /// <summary>Loads the network from its TFLite file.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public ProposalNet(DeviceStream stream, TfliteModel model) : this(stream, new TfliteMtcnnWeights(model))
    {
    }

    /// <summary>Takes the present weights of a network that is trained here.</summary>
    /// <exception cref="ArgumentException">It is another network.</exception>
    public ProposalNet(DeviceStream stream, TrainableMtcnnNet net) : this(stream, new TrainedMtcnnWeights(stream, net))
    {
    }

    private ProposalNet(DeviceStream stream, MtcnnWeights w)
    {
        // The two 1x1 heads are one convolution with six outputs.
        float[] head = [.. w.Kernel("pnet/conv4-1", 2, 1, 32), .. w.Kernel("pnet/conv4-2", 4, 1, 32)];
        float[] headBias = [.. w.KernelBias("pnet/conv4-1", 2), .. w.KernelBias("pnet/conv4-2", 4)];
        _layers = new Sequential(
            MtcnnLayers.Convolution(stream, w, "pnet/conv1", "pnet/PReLU1", 3, 10, 3),
            MtcnnLayers.MaxPool(2, 2),
            MtcnnLayers.Convolution(stream, w, "pnet/conv2", "pnet/PReLU2", 10, 16, 3),
            MtcnnLayers.Convolution(stream, w, "pnet/conv3", "pnet/PReLU3", 16, 32, 3),
            new Conv2DLayer(stream, new Conv2DOptions { InChannels = 32, OutChannels = Outputs, KernelHeight = 1, KernelWidth = 1 }, head, headBias, []));
    }

    /// <summary>Enqueues the network: <c>[N, H, W, 3]</c> normalised RGB to <c>[N, ceil((H-2)/2)-4, ceil((W-2)/2)-4, 6]</c>. The class scores
    /// are probabilities.</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor images)
    {
        var y = _layers.Forward(stream, images);
        var classes = y.Columns(0, 2);
        Kernels.Softmax(stream, new SoftmaxOptions { Axis = -1 }, classes, classes);
        return y;
    }

    /// <inheritdoc/>
    public void Dispose() => _layers.Dispose();
}
