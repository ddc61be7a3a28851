using Fovea.Models.Backbones;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of SSD (Liu et al., "SSD: Single Shot MultiBox Detector", 2016): on every level of a backbone one 3x3 convolution for
/// the classes of its default boxes and one for their deltas.</summary>
public sealed class SsdNet : Module
{
    private readonly Backbone _backbone;
    private readonly PredictionConv[] _classes, _deltas;

    /// <summary>Puts the heads over <paramref name="backbone"/>, which is disposed with them.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="backbone">Gives the levels.</param>
    /// <param name="classes">Classes of objects; one logit more, the last, means the ground.</param>
    /// <param name="boxesPerCell">Default boxes of a cell, per level.</param>
    public SsdNet(Initializer init, string name, Backbone backbone, int classes, IReadOnlyList<int> boxesPerCell) : base(name)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(boxesPerCell);
        if (boxesPerCell.Count != backbone.LevelChannels.Count)
            throw new ArgumentException($"{boxesPerCell.Count} numbers of boxes for {backbone.LevelChannels.Count} levels", nameof(boxesPerCell));
        _backbone = Add(backbone);
        (ClassCount, BoxesPerCell) = (classes, boxesPerCell);
        var head = name.Length == 0 ? "head" : $"{name}.head";
        _classes = Convs("classification_head", classes + 1);
        _deltas = Convs("regression_head", 4);

        PredictionConv[] Convs(string path, int columns) =>
            [.. boxesPerCell.Select((boxes, i) => Add(new PredictionConv(init, $"{head}.{path}.module_list.{i}", backbone.LevelChannels[i], boxes * columns)))];
    }

    /// <summary>SSD300 on VGG-16: 8,732 default boxes.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">20 for VOC, 90 for COCO.</param>
    public static SsdNet Of300(Initializer init, int classes) => new(init, "", new SsdVgg16(init, "backbone"), classes, [4, 6, 6, 6, 4, 4]);

    /// <summary>Classes of objects.</summary>
    public int ClassCount { get; }

    /// <summary>Default boxes of a cell, per level.</summary>
    public IReadOnlyList<int> BoxesPerCell { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _backbone.LevelStrides;

    /// <summary>Logits [B][N][classes + 1] and deltas [B][N][4] of the default boxes of all levels.</summary>
    public (Value Classes, Value Deltas) Outputs(Value image)
    {
        var levels = _backbone.Levels(image);
        return (
            LevelMaps.Join([.. levels.Select((l, i) => _classes[i].Forward(l))], ClassCount + 1),
            LevelMaps.Join([.. levels.Select((l, i) => _deltas[i].Forward(l))], 4));
    }

    /// <summary>The logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;
}
