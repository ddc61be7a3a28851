using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>Hourglasses one behind the other (Newell, Yang, Deng, "Stacked Hourglass Networks for Human Pose Estimation", 2016, in CornerNet's form):
/// each sees an image's features fine, coarse and fine again; its result is supervised and goes into the next one.</summary>
public sealed class StackedHourglass : Module
{
    private readonly ConvNormActivation _stem;
    private readonly BasicBlock _first;
    private readonly Hourglass[] _stacks;
    private readonly ConvNormActivation[] _results, _fromBefore, _fromResult;
    private readonly BasicBlock[] _between;
    private readonly Activation _activation;

    /// <summary>Makes the network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network; empty for a model of its own.</param>
    /// <param name="options">Its sizes.</param>
    /// <exception cref="ArgumentException">There are no two widths, or not as many rows of blocks.</exception>
    public StackedHourglass(Initializer init, string name, HourglassOptions options) : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Widths.Count < 2 || options.Blocks.Count != options.Widths.Count || options.Blocks.Any(b => b < 1) || options.Stacks < 1)
            throw new ArgumentException($"{name}: {options.Widths.Count} widths, {options.Blocks.Count} rows of blocks and {options.Stacks} stacks make no hourglass", nameof(options));
        var (prefix, style, width) = (name.Length == 0 ? "" : $"{name}.", options.Style, options.Widths[0]);
        (Channels, Stride, CoarsestStride, _activation) = (options.Channels, 4, 4 << (options.Widths.Count - 1), style.Activation);
        _stem = Add(ConvNormActivation.Same(init, $"{prefix}pre.0", 3, options.StemChannels, 7, style, stride: 2));
        _first = Add(new BasicBlock(init, $"{prefix}pre.1", options.StemChannels, width, stride: 2, style));
        _stacks = Each(options.Stacks, i => new Hourglass(init, $"{prefix}kps.{i}", options, size: 0));
        _results = Each(options.Stacks, i => ConvNormActivation.Same(init, $"{prefix}cnvs.{i}", width, options.Channels, 3, style));
        _between = Each(options.Stacks - 1, i => new BasicBlock(init, $"{prefix}inters.{i}", width, width, stride: 1, style));
        _fromBefore = Each(options.Stacks - 1, i => ConvNormActivation.Same(init, $"{prefix}inters_.{i}", width, width, 1, style.Linear));
        _fromResult = Each(options.Stacks - 1, i => ConvNormActivation.Same(init, $"{prefix}cnvs_.{i}", options.Channels, width, 1, style.Linear));

        T[] Each<T>(int count, Func<int, T> make) where T : Module => [.. Enumerable.Range(0, count).Select(i => Add(make(i)))];
    }

    /// <summary>Channels of each result.</summary>
    public int Channels { get; }

    /// <summary>Pixels of a cell of each result.</summary>
    public int Stride { get; }

    /// <summary>Pixels of a cell of the coarsest map inside.</summary>
    public int CoarsestStride { get; }

    /// <summary>The result of each stack, [N][H][W][<see cref="Channels"/>].</summary>
    public IReadOnlyList<Value> Results(Value image)
    {
        var results = new Value[_stacks.Length];
        var x = _first.Forward(_stem.Forward(image));
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = _results[i].Forward(_stacks[i].Forward(x));
            if (i + 1 < results.Length)
                x = _between[i].Forward(_fromBefore[i].Forward(x).Add(_fromResult[i].Forward(results[i])).Activate(_activation));
        }
        return results;
    }

    /// <summary>The result of the last stack.</summary>
    public override Value Forward(Value x) => Results(x)[^1];
}
