using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of CenterNet (Zhou, Wang, Kraehenbuehl, "Objects as Points", 2019): heat map, size and offset of each cell of one fine
/// map. Names as in the authors' code.</summary>
public sealed class TrainableCenterNet : Module
{
    private readonly Backbone _backbone;
    private readonly KeyPointHead _heat, _size, _offset;

    /// <summary>Puts the heads over the finest level of <paramref name="backbone"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="backbone">Usually an <see cref="UpsamplingPath"/>.</param>
    /// <param name="classes">Heat maps.</param>
    /// <param name="hidden">Channels inside the heads.</param>
    public TrainableCenterNet(Initializer init, string name, UpsamplingPath backbone, int classes, int hidden = 64) : base(name)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        _backbone = Add(backbone);
        (ClassCount, Stride, CoarsestStride) = (classes, backbone.LevelStrides[0], backbone.CoarsestStride);
        var (prefix, channels) = (name.Length == 0 ? "" : $"{name}.", backbone.LevelChannels[0]);
        _heat = Add(new KeyPointHead(init, $"{prefix}hm", channels, hidden, classes, KeyPointHead.HeatBias));
        _size = Add(new KeyPointHead(init, $"{prefix}wh", channels, hidden, 2));
        _offset = Add(new KeyPointHead(init, $"{prefix}reg", channels, hidden, 2));
    }

    /// <summary>Heat maps.</summary>
    public int ClassCount { get; }

    /// <summary>Pixels of a cell.</summary>
    public int Stride { get; }

    /// <summary>What the sides of images must be a multiple of.</summary>
    public int CoarsestStride { get; }

    /// <summary>The paper's fastest network: ResNet-18, three steps of deformable and transposed convolutions with 256, 128 and 64 channels.
    /// 14,437,349 parameters with 80 classes.</summary>
    public static TrainableCenterNet OfResNet18(Initializer init, int classes) => new(init, "",
        new UpsamplingPath(init, "deconv_layers", ResNet.Of18(init), [256, 128, 64], new ConvStyle(), isDeformable: true), classes);

    /// <summary>Logits [B][H][W][classes]; width and height, and offset x and y of the centre from the cell's edge, [B][H][W][2] in
    /// cells.</summary>
    public (Value Heat, Value Size, Value Offset) Outputs(Value image)
    {
        var x = _backbone.Levels(image)[0];
        return (_heat.Forward(x), _size.Forward(x), _offset.Forward(x));
    }

    /// <summary>The logits of the heat map.</summary>
    public override Value Forward(Value x) => Outputs(x).Heat;
}
