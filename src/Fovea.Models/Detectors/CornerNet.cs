using Fovea.Models.Backbones;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of CornerNet (Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints", 2018): hourglasses and, behind each, corner
/// pooling with heat map, tag and offset of top-left and of bottom-right corners. Names as in the authors' code.</summary>
public sealed class CornerNet : Module
{
    private readonly StackedHourglass _hourglass;
    private readonly CornerHeads[] _topLeft, _bottomRight;

    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="options">Of the hourglasses; heads are as wide inside as their finest map.</param>
    /// <param name="classes">Heat maps per corner.</param>
    public CornerNet(Initializer init, string name, HourglassOptions options, int classes) : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        var prefix = name.Length == 0 ? "" : $"{name}.";
        ClassCount = classes;
        _hourglass = Add(new StackedHourglass(init, name, options));
        _topLeft = Heads("tl");
        _bottomRight = Heads("br");

        CornerHeads[] Heads(string corner) => [.. Enumerable.Range(0, options.Stacks).Select(i =>
            Add(new CornerHeads(init, prefix, corner, i, options.Channels, options.Widths[0], classes, options.Style)))];
    }

    /// <summary>Heat maps per corner.</summary>
    public int ClassCount { get; }

    /// <summary>Pixels of a cell.</summary>
    public int Stride => _hourglass.Stride;

    /// <summary>The paper's network, on Hourglass-104.</summary>
    public static CornerNet OfHourglass104(Initializer init, int classes) => new(init, "", new HourglassOptions(), classes);

    /// <summary>The maps of each stack, all of which are trained; the last one's are the answer.</summary>
    public IReadOnlyList<(CornerMaps TopLeft, CornerMaps BottomRight)> Outputs(Value image) => [.. _hourglass.Results(image).Select(Maps)];

    /// <summary>The maps of the last stack.</summary>
    public (CornerMaps TopLeft, CornerMaps BottomRight) LastOutputs(Value image)
    {
        var results = _hourglass.Results(image);
        return Maps(results[^1], results.Count - 1);
    }

    /// <summary>The logits of the last stack's top-left corners.</summary>
    public override Value Forward(Value x) => LastOutputs(x).TopLeft.Heat;

    private (CornerMaps TopLeft, CornerMaps BottomRight) Maps(Value x, int stack) => (_topLeft[stack].Maps(x), _bottomRight[stack].Maps(x));
}
