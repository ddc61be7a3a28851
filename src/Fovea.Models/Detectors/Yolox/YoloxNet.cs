using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of YOLOX (Ge, Liu, Wang, Li, Sun, "YOLOX: Exceeding YOLO Series in 2021", 2021): CSPDarknet with spatial pyramid
/// pooling, path aggregation, and a decoupled head without anchors on levels of stride 8, 16 and 32. Tensors have the names of the published
/// weights.</summary>
public sealed class YoloxNet : Module
{
    private readonly YoloxPyramid _pyramid;
    private readonly YoloxHead[] _heads;

    /// <summary>Makes a network between the published ones.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="depth">Share of 3 and 9 blocks per layer; 1 is YOLOX-L.</param>
    /// <param name="width">Share of 64 to 1024 channels; 1 is YOLOX-L.</param>
    /// <param name="classes">Logits per cell.</param>
    /// <param name="isSeparable">Whether 3x3 convolutions are depthwise and 1x1 ones.</param>
    /// <param name="normalization">Batch as published, or group for small batches.</param>
    public YoloxNet(Initializer init, double depth, double width, int classes, bool isSeparable = false, Normalization normalization = Normalization.Batch)
        : base("")
    {
        ArgumentNullException.ThrowIfNull(init);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        var parts = new YoloxParts(init, isSeparable, normalization);
        var blocks = Math.Max(1, (int)Math.Round(3 * depth));
        var backbone = new CspDarknet(parts, "backbone.backbone", (int)(64 * width), blocks);
        _pyramid = Add(new YoloxPyramid(parts, "backbone", backbone, blocks));
        _heads = [.. _pyramid.LevelChannels.Select((channels, level) => Add(new YoloxHead(parts, "head", level, channels, (int)(256 * width), classes)))];
        ClassCount = classes;
    }

    /// <summary>Logits per cell.</summary>
    public int ClassCount { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _pyramid.LevelStrides;

    /// <summary>YOLOX-Nano: 0.91 million parameters for COCO.</summary>
    public static YoloxNet Nano(Initializer init, int classes = 80) => new(init, 0.33, 0.25, classes, isSeparable: true);

    /// <summary>YOLOX-Tiny: 5.06 million.</summary>
    public static YoloxNet Tiny(Initializer init, int classes = 80) => new(init, 0.33, 0.375, classes);

    /// <summary>YOLOX-S: 9.0 million.</summary>
    public static YoloxNet S(Initializer init, int classes = 80) => new(init, 0.33, 0.5, classes);

    /// <summary>YOLOX-M: 25.3 million.</summary>
    public static YoloxNet M(Initializer init, int classes = 80) => new(init, 0.67, 0.75, classes);

    /// <summary>YOLOX-L: 54.2 million.</summary>
    public static YoloxNet L(Initializer init, int classes = 80) => new(init, 1, 1, classes);

    /// <summary>YOLOX-X: 99.1 million.</summary>
    public static YoloxNet X(Initializer init, int classes = 80) => new(init, 1.33, 1.25, classes);

    /// <summary>Class logits [B][N][classes], objectness logits [B][N][1] and boxes [B][N][4] for the cells of all levels, finest level first:
    /// the centre from the cell's corner in strides, the logarithms of width and height in strides.</summary>
    public (Value Classes, Value Objectness, Value Boxes) Outputs(Value image)
    {
        (Value Classes, Value Objectness, Value Boxes)[] maps = [.. _pyramid.Levels(image).Select((level, i) => _heads[i].Outputs(level))];
        return (
            LevelMaps.Join([.. maps.Select(m => m.Classes)], ClassCount),
            LevelMaps.Join([.. maps.Select(m => m.Objectness)], 1),
            LevelMaps.Join([.. maps.Select(m => m.Boxes)], 4));
    }

    /// <summary>The class logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;
}
