using Fovea.Data;
using Fovea.Models.Ssd;

namespace Fovea.Models.Handtrack;

/// <summary>SSD on MobileNetV2 with a feature pyramid ("SSD MobileNetV2 FPN-Lite" of TensorFlow's detection models), trained for hands: 320 x
/// 320 pixels, 12804 anchors on maps of 40 to 3 cells. 2,869,320 parameters; predictors differ from map to map in the normalisation that is
/// folded into them.</summary>
/// <remarks>The file keeps weights and anchors in 8 bits. The anchors are used as it has them, though their centres are off by up to 0.6
/// and their sides by up to 2 pixels: the boxes are then those of the published model. Immutable after construction, so any number of streams
/// of the same device may use it at once.</remarks>
public sealed class HandtrackNet : IDisposable
{
    /// <summary>Side of the input in pixels.</summary>
    public const int InputSize = 320;

    /// <summary>Columns of the scores: the first means no object, the others are those of <see cref="ClassNames"/>.</summary>
    public const int Scores = 8;

    private const int PerCell = 6, TowerLayers = 4;

    private const string Graph = "StatefulPartitionedCall";
    private const string Extractor = $"{Graph}/ssd_mobile_net_v2fpn_keras_feature_extractor";
    private const string Predictor = $"{Graph}/WeightSharedConvolutionalBoxPredictor";
    private const string BoxHead = $"{Predictor}/WeightSharedConvolutionalBoxHead";
    private const string ClassHead = $"{Predictor}/WeightSharedConvolutionalClassHead";

    private static readonly int[] Sides = [40, 20, 10, 5, 3];

    // Inputs, outputs and stride of the blocks behind the first; what stands on one line shares a map.
    private static readonly (int Inputs, int Outputs, int Stride)[][] Blocks =
    [
        [(16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 32, 1)],
        [(32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 64, 1), (64, 96, 1), (96, 96, 1), (96, 96, 1)],
        [(96, 160, 2), (160, 160, 1), (160, 160, 1), (160, 320, 1)],
    ];

    // From the code of the package that publishes the weights.
    private static readonly string[] Names = ["hand", "fist", "pinch", "point", "face", "tip", "pinchtip"];

    private readonly SeparableConv2DLayer[] _coarser;
    private readonly Sequential[] _towers;
    private readonly (SeparableConv2DLayer Boxes, SeparableConv2DLayer Scores)[] _heads;
    private readonly float[] _anchors;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public HandtrackNet(DeviceStream stream, TfjsWeights weights)
    {
        var backbone = new TfjsConvolutions(weights, [.. BackboneNames()]);
        ILayer[][] stages =
        [
            [
                backbone.Convolution(stream, 3, 32, 3, 2, Activation.Relu6),
                backbone.Separable(stream, 32, 16, 1, Activation.Relu6, Activation.None),
                .. Stage(0),
            ],
            [.. Stage(1)],
            [.. Stage(2), backbone.Convolution(stream, 320, 1280, 1, 1, Activation.Relu6)],
        ];
        Backbone = [.. stages.Select(layers => new Sequential(layers))];
        Pyramid = new TopDownPath(stream, weights, $"{Extractor}/FeatureMaps/top_down", [32, 96, 1280]);
        _coarser = [Coarser(20, Sides[2]), Coarser(21, Sides[3])];
        _towers = new Sequential[Sides.Length];
        _heads = new (SeparableConv2DLayer, SeparableConv2DLayer)[Sides.Length];
        for (int level = 0; level < Sides.Length; level++)
        {
            string suffix = level == 0 ? "" : $"_{level}";
            _towers[level] = new Sequential([.. Enumerable.Range(0, TowerLayers).Select(
                i => weights.FoldedSeparable(stream, $"{Predictor}/PredictionTower/conv2d_{i}/separable_conv2d{suffix}"))]);
            _heads[level] = (
                weights.Predictor(stream, $"{BoxHead}/BoxPredictor", suffix, PerCell * 4, boxes: true),
                weights.Predictor(stream, $"{ClassHead}/ClassPredictor", suffix, PerCell * Scores, boxes: false));
        }

        _anchors = ReadAnchors(weights);

        IEnumerable<ILayer> Stage(int stage) =>
            Blocks[stage].Select(b => new InvertedResidual(stream, backbone, b.Inputs, b.Outputs, b.Stride, side: 0));
        SeparableConv2DLayer Coarser(int index, int side) =>
            weights.FoldedSeparable(stream, $"{Extractor}/bottom_up_Conv2d_{index}_depthwise_conv/separable_conv2d", 2, side);
    }

    /// <summary>Number of anchors.</summary>
    public static int AnchorCount { get; } = Sides.Sum(side => side * side * PerCell);

    /// <summary>What is recognised.</summary>
    public static ReadOnlySpan<string> ClassNames => Names;

    /// <summary>The anchors: rows of left, top, right, bottom in pixels of the input. Order: map, row, column, shape.</summary>
    public ReadOnlySpan<float> Anchors => _anchors;

    /// <summary>MobileNetV2 to maps of 40, 20 and 10 cells.</summary>
    internal Sequential[] Backbone { get; }

    internal TopDownPath Pyramid { get; }

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static HandtrackNet Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new HandtrackNet(stream, store.LoadTfjs("handtrack", "handtrack.json"));
    }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, 320, 320, 3]</c> RGB, <c>2 * value / 255 - 1</c>.</param>
    /// <param name="boxes">Receives <c>[12804, 4]</c>: distance of the centre from the anchor's and logarithm of the relative size, x y w h,
    /// scaled by 10, 10, 5, 5.</param>
    /// <param name="scores">Receives <c>[12804, 8]</c>: logits.</param>
    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor boxes, DeviceTensor scores)
    {
        using var fine = Backbone[0].Forward(stream, image);
        using var middle = Backbone[1].Forward(stream, fine);
        using var coarse = Backbone[2].Forward(stream, middle);
        DeviceTensor[] maps = [.. Pyramid.Forward(stream, fine, middle, coarse), null!, null!];
        for (int i = 0; i < _coarser.Length; i++) maps[3 + i] = _coarser[i].Forward(stream, maps[2 + i]);
        long first = 0;
        for (int level = 0; level < maps.Length; level++)
        {
            using var map = maps[level];
            using var features = _towers[level].Forward(stream, map);
            long side = Sides[level];
            // A head's map is a run of rows of its table.
            DeviceTensor Rows(DeviceTensor table) => table.Rows(first, side * side * PerCell).Reshape(1, side, side, PerCell * table.Shape[1]);
            _heads[level].Boxes.Forward(stream, features, residual: null, Rows(boxes));
            _heads[level].Scores.Forward(stream, features, residual: null, Rows(scores));
            first += side * side * PerCell;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var stage in Backbone) stage.Dispose();
        Pyramid.Dispose();
        foreach (var layer in _coarser) layer.Dispose();
        foreach (var tower in _towers) tower.Dispose();
        foreach (var (boxes, scores) in _heads)
        {
            boxes.Dispose();
            scores.Dispose();
        }
    }

    // The converter folded batch normalisation into the convolutions and named their weights after the nodes.
    private static IEnumerable<(string Kernel, string? Bias)> BackboneNames()
    {
        static (string, string?) Convolution(string node) =>
            ($"{Extractor}/model/{node}/Conv2D_weights", $"{Extractor}/model/{node}/Conv2D_bn_offset");
        static (string, string?) Depthwise(string node) =>
            ($"{Extractor}/model/{node}/depthwise_weights", $"{Extractor}/model/{node}/depthwise_bn_offset");

        yield return Convolution("Conv1");
        yield return Depthwise("expanded_conv_depthwise");
        yield return Convolution("expanded_conv_project");
        for (int block = 1; block <= Blocks.Sum(stage => stage.Length); block++)
        {
            yield return Convolution($"block_{block}_expand");
            yield return Depthwise($"block_{block}_depthwise");
            yield return Convolution($"block_{block}_project");
        }

        yield return Convolution("Conv_1");
    }

    // The constants of the decoding, shares of the image: a value per anchor each.
    private static float[] ReadAnchors(TfjsWeights weights)
    {
        float[] Read(string name) => weights.Floats($"{Graph}/Postprocessor/Decode/get_center_coordinates_and_sizes/{name}", AnchorCount);
        float[] y = Read("add"), x = Read("add_1"), height = Read("sub_1"), width = Read("sub");
        var boxes = new float[4 * AnchorCount];
        for (int i = 0; i < AnchorCount; i++)
        {
            boxes[4 * i] = (x[i] - width[i] / 2) * InputSize;
            boxes[4 * i + 1] = (y[i] - height[i] / 2) * InputSize;
            boxes[4 * i + 2] = (x[i] + width[i] / 2) * InputSize;
            boxes[4 * i + 3] = (y[i] + height[i] / 2) * InputSize;
        }

        return boxes;
    }
}
