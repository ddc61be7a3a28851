using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of DETR (Carion, Massa, Synnaeve, Usunier, Kirillov, Zagoruyko, "End-to-End Object Detection with Transformers", 2020)
/// with the names of its authors' code: a backbone, a transformer whose queries each become an object or none, and heads for class, box and,
/// if wanted, mask.</summary>
/// <remarks>Dropout is that of the residual sums and feed-forward blocks; the authors' attention drops weights as well.</remarks>
public sealed class DetrNet : Module
{
    private readonly Backbone _backbone;
    private readonly ConvNormActivation _projection;
    private readonly DetrTransformer _transformer;
    private readonly Parameter _queries;
    private readonly Dense _classes;
    private readonly Dense[] _boxes;

    /// <summary>Puts the transformer behind <paramref name="backbone"/>, which is disposed with it.</summary>
    public DetrNet(Initializer init, string name, Backbone backbone, DetrOptions options) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(options);
        var prefix = name.Length == 0 ? "" : $"{name}.";
        Options = options;
        _backbone = Add(backbone);
        var width = options.Width;
        _transformer = Add(new DetrTransformer(init, $"{prefix}transformer", options));
        _classes = Add(Head("class_embed", width, options.Classes + 1));
        _boxes = [Add(Head("bbox_embed.layers.0", width, width, Activation.Relu)), Add(Head("bbox_embed.layers.1", width, width, Activation.Relu)), Add(Head("bbox_embed.layers.2", width, 4))];
        _queries = Add("query_embed.weight", init.Normal(1, options.Queries, width));
        var plain = new ConvStyle { Normalization = Normalization.None, Activation = Activation.None };
        _projection = Add(ConvNormActivation.Same(init, $"{prefix}input_proj", backbone.LevelChannels[^1], width, 1, plain, initialWeights: InitialWeights.LecunUniform));
        if (options.Masks) Masks = Add(new DetrMaskHead(init, prefix, options, backbone.LevelChannels));

        // PyTorch's first values of a linear layer.
        Dense Head(string part, int from, int to, Activation activation = default) =>
            new($"{prefix}{part}", init.Uniform(1 / MathF.Sqrt(from), to, from), init.Uniform(1 / MathF.Sqrt(from), to), activation);
    }

    /// <summary>The network of the paper: ResNet-50 with constant batch normalisation, of which the stem and the first stage do not learn.</summary>
    public static DetrNet ResNet50(Initializer init, DetrOptions? options = null)
    {
        var backbone = ResNet.Of50(init, "backbone.0.body", normalization: Normalization.FrozenBatch);
        backbone.FreezeLevels(1);
        return new DetrNet(init, "", backbone, options ?? new DetrOptions());
    }

    /// <summary>Sizes.</summary>
    public DetrOptions Options { get; }

    /// <summary>Draws a mask per query, or null.</summary>
    public DetrMaskHead? Masks { get; }

    /// <summary>Pixels from one cell of the last feature map to the next.</summary>
    public int Stride => _backbone.LevelStrides[^1];

    /// <summary>Records the network.</summary>
    /// <param name="image">[B][H][W][3].</param>
    /// <param name="positions">Of the cells of the last feature map, row by row: [P][width], or [B][P][width] where images differ in size.</param>
    /// <param name="padding">Which cells show images; null: all.</param>
    public DetrOutputs Outputs(Value image, Value positions, DetrPadding? padding = null)
    {
        var levels = _backbone.Levels(image);
        var map = _projection.Forward(levels[^1]);
        var cells = map.Reshape(map.Shape[0], map.Shape[1] * map.Shape[2], map.Shape[3]);
        var (states, memory) = Transform(cells, positions, padding);
        return new DetrOutputs([.. states.Select(_classes.Forward)], [.. states.Select(BoxesOf)], states[^1], memory.Reshape(map.Shape), map, levels);
    }

    /// <summary>The queries behind each decoder layer and the encoded cells, from projected cells [B][P][width]; see
    /// <see cref="Outputs"/>.</summary>
    public (Value[] States, Value Memory) Transform(Value cells, Value positions, DetrPadding? padding = null)
    {
        var queries = cells.Tape.Use(_queries);
        if (padding is null) return _transformer.Forward(cells, positions, queries);
        if (positions.Spec.Rank == 2) positions = positions.Repeat(0, cells.Shape[0]);
        var (states, memory) = _transformer.Forward(padding.Sorted(cells), padding.Sorted(positions), queries, padding.Lengths);
        return (states, padding.Unsorted(memory));
    }

    /// <summary>Not alone: positions are needed.</summary>
    public override Value Forward(Value x) => throw new NotSupportedException("DETR needs positions");

    private Value BoxesOf(Value states) => _boxes.Aggregate(states, (x, layer) => layer.Forward(x)).Activate(Activation.Sigmoid);
}
