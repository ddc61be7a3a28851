using Fovea.Data;

namespace Fovea.Models.Ssd;

/// <summary>SSD on MobileNetV2 as MediaPipe publishes it for 23 kinds of objects of Open Images: 300 x 300 pixels, 1917 anchors on maps of 19
/// to 1 cells. 4,951,996 parameters.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public sealed class SsdMobileNetV2 : IDisposable
{
    /// <summary>Side of the input in pixels.</summary>
    public const int InputSize = 300;

    /// <summary>Columns of the scores: the first means no object, the others are those of <see cref="ClassNames"/>.</summary>
    public const int Scores = 24;

    /// <summary>Bytes in front of the TFLite model in the package's file: the names, a line each.</summary>
    public const int LabelBytes = 184;

    private static readonly int[] Sides = [19, 10, 5, 3, 2, 1];

    // From the label map in the same package, without its first line "???".
    private static readonly string[] Names =
    [
        "Bicycle", "Boot", "Laptop", "Person", "Chair", "Cattle", "Desk", "Cat", "Computer mouse", "Computer monitor", "Box", "Mug",
        "Coffee cup", "Stationary bicycle", "Table", "Bottle", "High heels", "Vehicle", "Footwear", "Dog", "Book", "Camera", "Car",
    ];

    private readonly Sequential[] _stages;  // to the map of each level
    private readonly (Conv2DLayer Boxes, Conv2DLayer Scores)[] _heads;

    /// <summary>Loads the network from <c>object_detection_ssd_mobilenetv2_oidv4_fp16.tflite</c>.</summary>
    /// <exception cref="InvalidDataException">The file holds another network.</exception>
    public SsdMobileNetV2(DeviceStream stream, TfliteModel model)
        : this(stream, new TfliteConvolutions(model))
    {
    }

    internal SsdMobileNetV2(DeviceStream stream, ConvolutionSource weights)
    {
        int side = InputSize;
        // Sides are halved, rounded up: 300, 150, 75, 38, 19, 10, 5, 3, 2, 1.
        int Step(int stride)
        {
            int before = side;
            side = (side + stride - 1) / stride;
            return before;
        }

        ILayer Convolution(int inputs, int outputs, int kernel = 1, int stride = 1) =>
            weights.Convolution(stream, inputs, outputs, kernel, stride, Activation.Relu6, Step(stride));
        ILayer Separable(int inputs, int outputs, int stride = 1) =>
            weights.Separable(stream, inputs, outputs, stride, Activation.Relu6, Activation.None, Step(stride));
        ILayer Block(int inputs, int outputs, int stride = 1) => new InvertedResidual(stream, weights, inputs, outputs, stride, Step(stride));
        // The coarser maps are one narrow 1x1 and one 3x3 convolution each.
        Sequential Coarser(int inputs, int outputs) => new(Convolution(inputs, outputs / 2), Convolution(outputs / 2, outputs, 3, 2));

        _stages = new Sequential[Sides.Length];
        _heads = new (Conv2DLayer, Conv2DLayer)[Sides.Length];
        _stages[0] = new Sequential(
            Convolution(3, 32, 3, 2), Separable(32, 16),
            Block(16, 24, 2), Block(24, 24),
            Block(24, 32, 2), Block(32, 32), Block(32, 32),
            Block(32, 64, 2), Block(64, 64), Block(64, 64), Block(64, 64),
            Block(64, 96), Block(96, 96), Block(96, 96),
            // The finest map is the wide middle of the block that follows; the next stage goes on inside of it.
            Convolution(96, 576));
        _heads[0] = Head(stream, weights, 576, 0);
        _stages[1] = new Sequential(
            Separable(576, 160, 2), Block(160, 160), Block(160, 160), Block(160, 320), Convolution(320, 1280));
        _heads[1] = Head(stream, weights, 1280, 1);
        _stages[2] = Coarser(1280, 512);
        _heads[2] = Head(stream, weights, 512, 2);
        _stages[3] = Coarser(512, 256);
        _heads[3] = Head(stream, weights, 256, 3);
        _stages[4] = Coarser(256, 256);
        _heads[4] = Head(stream, weights, 256, 4);
        _stages[5] = Coarser(256, 128);
        _heads[5] = Head(stream, weights, 128, 5);
        weights.RequireEnd();
    }

    /// <summary>Names of the classes.</summary>
    public static ReadOnlySpan<string> ClassNames => Names;

    /// <summary>Number of anchors.</summary>
    public static int Anchors { get; } = SsdAnchors.Count(Sides);

    /// <summary>Left, top, right, bottom of the anchors as shares of the image.</summary>
    public static float[] AnchorBoxes() => SsdAnchors.Boxes(Sides);

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static SsdMobileNetV2 Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var file = store.Read("ssd-mobilenetv2", "packed_assets.data");
        return new SsdMobileNetV2(stream, TfliteModel.Parse(file.AsMemory(LabelBytes), "ssd-mobilenetv2/packed_assets.data"));
    }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, 300, 300, 3]</c> RGB, <c>value / 127.5 - 1</c>.</param>
    /// <param name="boxes">Receives <c>[1917, 4]</c>: the move of the anchor's centre in tenths of its width and height, then five times the
    /// logarithms of the box's width and height over the anchor's. (The file has y before x; the columns are exchanged on loading.)</param>
    /// <param name="scores">Receives <c>[1917, 24]</c>: logits, each class for itself.</param>
    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor boxes, DeviceTensor scores)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(scores);
        int first = 0;
        DeviceTensor? previous = null;
        try
        {
            for (int level = 0; level < Sides.Length; level++)
            {
                var map = _stages[level].Forward(stream, previous ?? image);
                previous?.Dispose();
                previous = map;
                Head(stream, _heads[level].Boxes, map, boxes, first);
                Head(stream, _heads[level].Scores, map, scores, first);
                first += Sides[level] * Sides[level] * SsdAnchors.PerCell(level);
            }
        }
        finally
        {
            previous?.Dispose();
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

    private static (Conv2DLayer Boxes, Conv2DLayer Scores) Head(DeviceStream stream, ConvolutionSource weights, int inputs, int level)
    {
        int outputs = 4 * SsdAnchors.PerCell(level);
        var (kernel, bias) = weights.Next(inputs, outputs, 1);
        var boxes = new Conv2DLayer(stream, new Conv2DOptions(inputs, outputs, 1), ExchangeAxes(kernel), ExchangeAxes(bias), []);
        return (boxes, weights.Convolution(stream, inputs, Scores * SsdAnchors.PerCell(level), 1, 1, Activation.None));

        // Rows y, x, h, w of each anchor become x, y, w, h.
        float[] ExchangeAxes(float[] rows)
        {
            int width = rows.Length / outputs;
            var exchanged = new float[rows.Length];
            for (int row = 0; row < outputs; row++) Array.Copy(rows, (row ^ 1) * width, exchanged, row * width, width);
            return exchanged;
        }
    }

    // A head's map [1, side, side, anchors * columns] is a run of rows of the table: the convolution writes into it.
    private static void Head(DeviceStream stream, Conv2DLayer head, DeviceTensor map, DeviceTensor table, int first)
    {
        long cells = map.Shape[1] * map.Shape[2];
        long perCell = head.OutChannels / table.Shape[1];
        head.Forward(stream, map, table.Rows(first, cells * perCell).Reshape(1, map.Shape[1], map.Shape[2], head.OutChannels));
    }
}
