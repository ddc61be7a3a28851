using Fovea.Data;

namespace Fovea.Models.Mtcnn;

/// <summary>O-Net: classifies 48x48 crops, regresses their boxes and five landmarks. 389,040 parameters; source as for
/// <see cref="ProposalNet"/>.</summary>
public sealed class OutputNet : IDisposable
{
    /// <summary>Side of the input crop in pixels.</summary>
    public const int Window = 48;

    /// <summary>Columns of the output: two class scores, dx1, dy1, dx2, dy2, then x1..x5 and y1..y5 relative to the box.</summary>
    public const int Outputs = 16;

    private readonly Sequential _features;
    private readonly LinearLayer _heads;

    /// <summary>Loads the network from its TFLite file.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public OutputNet(DeviceStream stream, TfliteModel model) : this(stream, new TfliteMtcnnWeights(model))
    {
    }

    /// <summary>Takes the present weights of a network that is trained here.</summary>
    /// <exception cref="ArgumentException">It is another network.</exception>
    public OutputNet(DeviceStream stream, TrainableMtcnnNet net) : this(stream, new TrainedMtcnnWeights(stream, net))
    {
    }

    private OutputNet(DeviceStream stream, MtcnnWeights w)
    {
        _features = new Sequential(
            MtcnnLayers.Convolution(stream, w, "onet/conv1", "onet/prelu1", 3, 32, 3),
            MtcnnLayers.MaxPool(3, 2),
            MtcnnLayers.Convolution(stream, w, "onet/conv2", "onet/prelu2", 32, 64, 3),
            MtcnnLayers.MaxPool(3, 2, ceiling: false),
            MtcnnLayers.Convolution(stream, w, "onet/conv3", "onet/prelu3", 64, 64, 3),
            MtcnnLayers.MaxPool(2, 2),
            MtcnnLayers.Convolution(stream, w, "onet/conv4", "onet/prelu4", 64, 128, 2),
            MtcnnLayers.FullyConnected(stream, w, "onet/conv5", "onet/prelu5", 3, 128, 256));
        _heads = MtcnnLayers.Heads(stream, w, 256, ("onet/conv6-1", 2), ("onet/conv6-2", 4), ("onet/conv6-3", 10));
    }

    /// <summary>Enqueues the network: <c>[N, 48, 48, 3]</c> normalised RGB to the rows <paramref name="outputs"/> <c>[N, 16]</c>, which
    /// may be a slice of a wider table. The class scores are probabilities.</summary>
    public void Forward(DeviceStream stream, DeviceTensor crops, DeviceTensor outputs)
    {
        using var features = _features.Forward(stream, crops);
        MtcnnHeads.Run(stream, _heads, features, outputs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _features.Dispose();
        _heads.Dispose();
    }
}
