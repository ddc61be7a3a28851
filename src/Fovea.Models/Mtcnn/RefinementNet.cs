using Fovea.Data;

namespace Fovea.Models.Mtcnn;

/// <summary>R-Net: classifies 24x24 crops and regresses their boxes. 100,178 parameters; source as for
/// <see cref="ProposalNet"/>.</summary>
public sealed class RefinementNet : IDisposable
{
    /// <summary>Side of the input crop in pixels.</summary>
    public const int Window = 24;

    /// <summary>Columns of the output: two class scores (background, face), then dx1, dy1, dx2, dy2.</summary>
    public const int Outputs = 6;

    private readonly Sequential _features;
    private readonly LinearLayer _heads;

    /// <summary>Loads the network from its TFLite file.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public RefinementNet(DeviceStream stream, TfliteModel model) : this(stream, new TfliteMtcnnWeights(model))
    {
    }

    /// <summary>Takes the present weights of a network that is trained here.</summary>
    /// <exception cref="ArgumentException">It is another network.</exception>
    public RefinementNet(DeviceStream stream, TrainableMtcnnNet net) : this(stream, new TrainedMtcnnWeights(stream, net))
    {
    }

    private RefinementNet(DeviceStream stream, MtcnnWeights w)
    {
        _features = new Sequential(
            MtcnnLayers.Convolution(stream, w, "rnet/conv1", "rnet/prelu1", 3, 28, 3),
            MtcnnLayers.MaxPool(3, 2),
            MtcnnLayers.Convolution(stream, w, "rnet/conv2", "rnet/prelu2", 28, 48, 3),
            MtcnnLayers.MaxPool(3, 2, ceiling: false),
            MtcnnLayers.Convolution(stream, w, "rnet/conv3", "rnet/prelu3", 48, 64, 2),
            MtcnnLayers.FullyConnected(stream, w, "rnet/conv4", "rnet/prelu4", 3, 64, 128));
        _heads = MtcnnLayers.Heads(stream, w, 128, ("rnet/conv5-1", 2), ("rnet/conv5-2", 4));
    }

    /// <summary>Enqueues the network: <c>[N, 24, 24, 3]</c> normalised RGB to the rows <paramref name="outputs"/> <c>[N, 6]</c>, which
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
