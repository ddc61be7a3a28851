using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>One hourglass: y = side(x) + nearest(up(inside(down(x)))) with an hourglass of the next size inside, at the last size residual blocks.
/// Maps of odd size are rounded up on the way down.</summary>
internal sealed class Hourglass : Module
{
    private static readonly ResizeOptions Nearest = new() { Mode = ResizeMode.Nearest };

    private readonly BasicBlock[] _side, _down, _up;
    private readonly Module[] _inside;

    public Hourglass(Initializer init, string name, HourglassOptions options, int size) : base(name)
    {
        var (width, next, count) = (options.Widths[size], options.Widths[size + 1], options.Blocks[size]);
        var isLast = size + 2 == options.Widths.Count;
        _side = Row("up1", width, width, count);
        _down = Row("low1", width, next, count, stride: 2);
        _inside = isLast ? Row("low2", next, next, options.Blocks[size + 1]) : [Add(new Hourglass(init, $"{name}.low2", options, size + 1))];
        // The number of channels changes in the last block on the way up, in the first on the way down.
        _up = [.. Row("low3", next, next, count - 1), .. Row($"low3.{count - 1}", next, width, 1)];

        BasicBlock[] Row(string path, int inChannels, int outChannels, int blocks, int stride = 1) => [.. Enumerable.Range(0, blocks).Select(i =>
            Add(new BasicBlock(init, $"{name}.{path}.{i}", i == 0 ? inChannels : outChannels, outChannels, i == 0 ? stride : 1, options.Style)))];
    }

    public override Value Forward(Value x)
    {
        var side = Through(_side, x);
        var inner = Through(_up, Through(_inside, Through(_down, x)));
        return side.Add(inner.Resize(Nearest, side.Shape[1], side.Shape[2]));
    }

    private static Value Through(IEnumerable<Module> parts, Value x) => parts.Aggregate(x, (y, part) => part.Forward(y));
}
