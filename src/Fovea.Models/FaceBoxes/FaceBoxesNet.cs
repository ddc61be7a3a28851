using Fovea.Data;

namespace Fovea.Models.FaceBoxes;

/// <summary>FaceBoxes (Zhang et al., "FaceBoxes: A CPU Real-time Face Detector with High Accuracy", 2017): an image is shrunk 32 times by two
/// convolutions before anything else happens; small faces have densified anchors. 1,005,850 parameters.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public sealed class FaceBoxesNet : IDisposable
{
    /// <summary>Sides of the input are multiples of this many pixels: the coarsest map's cells.</summary>
    public const int Granule = 128;

    // A map's cells, in pixels of the input, and its squares: side, and how often they repeat along each axis of a cell.
    private static readonly (int Stride, (int Side, int Repeat)[] Squares)[] Levels =
        [(32, [(32, 4), (64, 2), (128, 1)]), (64, [(256, 1)]), (128, [(512, 1)])];

    private readonly Sequential[] _stages;  // to the map of each level
    private readonly (Conv2DLayer Boxes, Conv2DLayer Scores)[] _heads;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public FaceBoxesNet(DeviceStream stream, TfjsWeights weights)
    {
        Conv2DLayer Layer(string name, Conv2DOptions options) =>
            weights.Convolution(stream, options, $"{name}/Conv2D_weights", $"{name}/Conv2D_bn_offset");
        Conv2DLayer Convolution(string name, int inputs, int outputs, int kernel = 1, int stride = 1) =>
            Layer(name, new Conv2DOptions(inputs, outputs, kernel) { Activation = Activation.Relu }.Same(stride));
        CReluLayer CRelu(string name, int inputs, int outputs, int kernel, int stride)
        {
            var options = new Conv2DOptions(inputs, outputs, kernel).Same(stride);
            return new CReluLayer(Layer(name, options), options);
        }

        (Conv2DLayer, Conv2DLayer) Head(int level, int inputs)
        {
            int anchors = PerCell(level);
            Conv2DLayer Predictor(string kind, int outputs, bool boxes) => weights.Convolution(
                stream, new Conv2DOptions(inputs, outputs, 3).Same(1),
                $"prediction_layers/{kind}_predictor_{level}/weights", $"prediction_layers/{kind}_predictor_{level}/biases", boxes);
            return (Predictor("box_encoding", 4 * anchors, boxes: true), Predictor("class", 2 * anchors, boxes: false));
        }

        _stages =
        [
            new Sequential(
                CRelu("conv1", 3, 24, 7, 4), CRelu("conv2", 48, 64, 5, 2),
                new InceptionBlock(stream, weights, "inception1"), new InceptionBlock(stream, weights, "inception2"),
                new InceptionBlock(stream, weights, "inception3")),
            new Sequential(Convolution("conv3_1", 128, 128), Convolution("conv3_2", 128, 256, 3, 2)),
            new Sequential(Convolution("conv4_1", 256, 128), Convolution("conv4_2", 128, 256, 3, 2)),
        ];
        _heads = [Head(0, 128), Head(1, 256), Head(2, 256)];
    }

    /// <summary>Number of maps.</summary>
    public static int LevelCount => Levels.Length;

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static FaceBoxesNet Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new FaceBoxesNet(stream, store.LoadTfjs("faceboxes", "faceboxes.json"));
    }

    /// <summary>Pixels of the input from one cell of a map to the next.</summary>
    public static int Stride(int level) => Levels[level].Stride;

    /// <summary>Anchors of each cell of a map.</summary>
    public static int PerCell(int level) => Levels[level].Squares.Sum(s => s.Repeat * s.Repeat);

    /// <summary>Number of anchors of an input.</summary>
    public static int AnchorCount(int height, int width) =>
        Enumerable.Range(0, LevelCount).Sum(level => height / Stride(level) * (width / Stride(level)) * PerCell(level));

    /// <summary>Anchors of a map: rows of left, top, right, bottom in pixels of the input, which those at the border exceed. Order: row,
    /// column, square, then from left to right and in each column from top to bottom.</summary>
    public static float[] Anchors(int level, int height, int width)
    {
        var (stride, squares) = Levels[level];
        int rows = height / stride, columns = width / stride;
        var boxes = new List<float>(4 * rows * columns * PerCell(level));
        for (int cell = 0; cell < rows * columns; cell++)
        {
            foreach (var (side, repeat) in squares)
            {
                float step = (float)side / repeat, first = (stride - side + step) / 2;
                for (int i = 0; i < repeat * repeat; i++)
                {
                    float x = cell % columns * stride + first + i / repeat * step, y = cell / columns * stride + first + i % repeat * step;
                    boxes.AddRange([x - side / 2, y - side / 2, x + side / 2, y + side / 2]);
                }
            }
        }

        return [.. boxes];
    }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, H, W, 3]</c> RGB, <c>2 * value / 255 - 1</c>; H and W are multiples of <see cref="Granule"/>.</param>
    /// <param name="boxes">Receives <c>[anchors, 4]</c>: distance of the centre from the anchor's and logarithm of the relative size, x y w
    /// h.</param>
    /// <param name="scores">Receives <c>[anchors, 2]</c>: logits of no face and of a face.</param>
    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor boxes, DeviceTensor scores)
    {
        using var fine = _stages[0].Forward(stream, image);
        using var middle = _stages[1].Forward(stream, fine);
        using var coarse = _stages[2].Forward(stream, middle);
        DeviceTensor[] maps = [fine, middle, coarse];
        long first = 0;
        for (int level = 0; level < maps.Length; level++)
        {
            var map = maps[level];
            long height = map.Shape[1], width = map.Shape[2], anchors = PerCell(level);
            // A head's map is a run of rows of its table.
            DeviceTensor Rows(DeviceTensor table) =>
                table.Rows(first, height * width * anchors).Reshape(1, height, width, anchors * table.Shape[1]);
            _heads[level].Boxes.Forward(stream, map, Rows(boxes));
            _heads[level].Scores.Forward(stream, map, Rows(scores));
            first += height * width * anchors;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var stage in _stages) stage.Dispose();
        foreach (var (boxes, scores) in _heads)
        {
            boxes.Dispose();
            scores.Dispose();
        }
    }
}
