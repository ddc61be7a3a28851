using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>DETR's panoptic head: where each query looks, one map per attention head, beside the features; then convolutions that meet finer and
/// finer maps of the backbone on the way up. One mask per query, as logits.</summary>
public sealed class DetrMaskHead : Module
{
    private const int MostAdapters = 3;

    private readonly int _width, _heads;
    private readonly float _dropout;
    private readonly Dense _queries, _keys;
    private readonly (Module Conv, Module Norm)[] _layers;
    private readonly Module[] _adapters;
    private readonly Module _last;

    internal DetrMaskHead(Initializer init, string prefix, DetrOptions options, IReadOnlyList<int> levels) : base($"{prefix}mask_head")
    {
        (_width, _heads, _dropout) = (options.Width, options.Heads, options.Dropout);
        _queries = Add(new Dense($"{prefix}bbox_attention.q_linear", init.XavierUniform(_width, _width), init.Constant(0, _width)));
        _keys = Add(new Dense($"{prefix}bbox_attention.k_linear", init.XavierUniform(_width, _width), init.Constant(0, _width)));
        var adapters = Math.Min(MostAdapters, levels.Count - 1);
        var channels = _width + _heads;
        var widths = new List<int> { channels, _width / 2 };
        for (var i = 0; i < adapters; i++) widths.Add(_width / 4 >> i);
        _layers = new (Module, Module)[widths.Count];
        for (var i = 0; i < widths.Count; i++)
        {
            _layers[i] = (Add(Conv($"lay{i + 1}", channels, widths[i], 3)), Add(new GroupNorm(init, $"{Name}.gn{i + 1}", widths[i], options.MaskGroups)));
            channels = widths[i];
        }
        _adapters = [.. Enumerable.Range(0, adapters).Select(i => Add(Conv($"adapter{i + 1}", levels[^(i + 2)], _width / 2 >> i, 1)))];
        _last = Add(Conv("out_lay", channels, 1, 3));

        Module Conv(string part, int from, int to, int kernel) => ConvNormActivation.Same(init, $"{Name}.{part}", from, to, kernel,
            new ConvStyle { Normalization = Normalization.None, Activation = Activation.None }, initialWeights: InitialWeights.LecunUniform);
    }

    /// <summary>Not alone: the rest of the network is needed.</summary>
    public override Value Forward(Value x) => throw new NotSupportedException($"{Name} needs the outputs of DETR");

    /// <summary>Logits of masks [B][K][h][w] at the stride of the finest map in use.</summary>
    /// <param name="outputs">Of the network.</param>
    /// <param name="states">[B][K][width], the queries to draw: those of <paramref name="outputs"/> or some of them. Masks do not depend on
    /// each other.</param>
    /// <param name="valid">f32 [B][P], 1 at cells that show the image, or absent for all.</param>
    public Value Forward(DetrOutputs outputs, Value states, Value valid = default)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        var (batch, count, map) = (states.Shape[0], states.Shape[1], outputs.Projected);
        var (height, width) = (map.Shape[1], map.Shape[2]);
        var looks = Looks(states, outputs.Memory.Reshape(batch, height * width, _width), valid).Reshape(batch * count, height, width, _heads);
        var x = Spread(map, count).Concat(looks);
        for (var i = 0; i < _layers.Length; i++)
        {
            if (i >= 2)
            {
                var finer = _adapters[i - 2].Forward(outputs.Levels[^i]);
                x = x.Resize(new ResizeOptions { Mode = ResizeMode.Nearest }, finer.Shape[1], finer.Shape[2]).Add(Spread(finer, count));
            }
            x = _layers[i].Norm.Forward(_layers[i].Conv.Forward(x)).Activate(Activation.Relu);
        }
        x = _last.Forward(x);
        return x.Reshape(batch, count, x.Shape[1], x.Shape[2]);
    }

    /// <summary>[B][K][P][heads]: the weights of a query, which add up to 1 over all cells and all heads together, not per head.</summary>
    internal Value Looks(Value states, Value memory, Value valid)
    {
        var (batch, count, cells, size) = (states.Shape[0], states.Shape[1], memory.Shape[1], _width / _heads);
        var (queries, keys) = (_queries.Forward(states), _keys.Forward(memory));
        var product = new MatMulOptions { TransposeB = true, Alpha = 1 / MathF.Sqrt(size) };
        Value[] scores = [.. Enumerable.Range(0, _heads).Select(h =>
            queries.Columns(h * size, size).Concat().MatMul(keys.Columns(h * size, size).Concat(), product).Reshape(batch, count, cells, 1))];
        var all = scores.Length == 1 ? scores[0] : scores[0].Concat(scores.AsSpan(1));
        if (valid.IsPresent) all = all.Add(valid.Affine(1e30f, -1e30f).Reshape(batch, 1, cells, 1)); // exp of it is 0
        var weights = all.Reshape(batch, count, cells * _heads).Softmax().Reshape(batch, count, cells, _heads);
        return weights.Dropout(IsTraining ? _dropout : 0);
    }

    // The map of an image, once per query.
    private static Value Spread(Value map, long count) =>
        map.Repeat(1, count).Reshape(map.Shape[0] * count, map.Shape[1], map.Shape[2], map.Shape[3]);
}
