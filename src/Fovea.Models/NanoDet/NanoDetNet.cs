using Fovea.Data;

namespace Fovea.Models.NanoDet;

/// <summary>NanoDet-g (RangiLyu, github.com/RangiLyu/nanodet, 2021): the variant of plain 3x3 convolutions. A CSP network, an additive path
/// aggregation neck (Liu et al., "PANet", 2018) and a head without anchors that gives each side's distance as a distribution over bins
/// (Li et al., "Generalized Focal Loss", 2020). 80 classes of COCO, 3,786,068 parameters.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public sealed class NanoDetNet : IDisposable
{
    /// <summary>Side of the input in pixels.</summary>
    public const int InputSize = 416;

    /// <summary>Logits of an output row, one for each of <see cref="CocoClasses.Names"/>.</summary>
    public const int Classes = 80;

    /// <summary>Logits per side: bin b stands for the distance of b strides.</summary>
    public const int Bins = 11;

    /// <summary>Columns of an output row: classes, then the bins of left, top, right and bottom.</summary>
    public const int Outputs = Classes + 4 * Bins;

    private const int Neck = 128;  // channels of the neck's maps

    private static readonly int[] LevelStrides = [8, 16, 32];

    private static readonly Activation Leaky = Activation.LeakyRelu(0.1f);

    private readonly Sequential _stem;
    private readonly CspStage[] _stages;
    private readonly Conv2DLayer[] _laterals;
    private readonly (Conv2DLayer Features, Conv2DLayer Output)[] _heads;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public NanoDetNet(DeviceStream stream, TfjsWeights weights)
    {
        int next = 0;
        // Kernels are numbered as they run.
        Conv2DLayer Convolution(int inputs, int outputs, int kernel, int stride, Activation activation, int bias)
        {
            var options = new Conv2DOptions(inputs, outputs, kernel) { Stride = stride, Padding = kernel / 2, Activation = activation };
            string name = next == 0 ? "PartitionedCall/split" : $"PartitionedCall/split_{next}";
            next++;
            return weights.Convolution(stream, options, name, $"unknown_{bias}");
        }

        // Biases are those of the even numbers, except in the heads, between which other constants lie.
        Conv2DLayer Plain(int inputs, int outputs, int stride = 1) => Convolution(inputs, outputs, 3, stride, Leaky, 2 * next);
        CspStage Stage(int inputs, int channels, int blocks, int stride)
        {
            var first = Plain(inputs, channels, stride);
            var pairs = new (Conv2DLayer, Conv2DLayer)[blocks];
            for (int i = 0; i < blocks; i++) pairs[i] = (Plain(channels, channels / 2), Plain(channels / 2, channels / 2));
            return new CspStage(first, pairs, Plain(channels, channels), channels, stride);
        }

        Conv2DLayer Lateral(int inputs) => Convolution(inputs, Neck, 1, 1, Activation.None, 2 * next);
        (Conv2DLayer, Conv2DLayer) Head(int bias, int lastBias) =>
            (Convolution(Neck, Neck, 3, 1, Leaky, bias), Convolution(Neck, Outputs, 1, 1, Activation.None, lastBias));

        _stem = new Sequential(Plain(3, 32, 2), new Pool2DLayer(new Pool2DOptions(PoolMode.Max, 3, 2, padding: 1)), Stage(32, 32, 1, 1));
        _stages = [Stage(64, 64, 2, 2), Stage(128, 128, 2, 2), Stage(256, 256, 3, 2)];
        _laterals = [Lateral(128), Lateral(256), Lateral(512)];
        _heads = [Head(60, 62), Head(66, 68), Head(70, 72)];
    }

    /// <summary>Pixels of the input from one cell of a level to the next, finest first.</summary>
    public static ReadOnlySpan<int> Strides => LevelStrides;

    /// <summary>Rows of the output: the cells of all levels.</summary>
    public static int Rows { get; } = LevelStrides.Sum(s => InputSize / s * (InputSize / s));

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static NanoDetNet Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new NanoDetNet(stream, store.LoadTfjs("nanodet", "nanodet.json"));
    }

    /// <summary>What each output row belongs to: x and y of its cell's middle in pixels of the input, and the level's stride. Order: level,
    /// row, column.</summary>
    public static float[] Cells()
    {
        var cells = new float[3 * Rows];
        int next = 0;
        foreach (int stride in LevelStrides)
        {
            int side = InputSize / stride;
            for (int cell = 0; cell < side * side; cell++)
            {
                cells[next++] = (cell % side + 0.5f) * stride;
                cells[next++] = (cell / side + 0.5f) * stride;
                cells[next++] = stride;
            }
        }

        return cells;
    }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, 416, 416, 3]</c> BGR, <c>(value - (103.53, 116.28, 123.675)) / (57.375, 57.12, 58.395)</c>.</param>
    /// <param name="rows">Receives <c>[3549, 124]</c>: logits, see <see cref="Outputs"/>.</param>
    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor rows)
    {
        using var stem = _stem.Forward(stream, image);
        using var fine = _stages[0].Forward(stream, stem);
        using var middle = _stages[1].Forward(stream, fine);
        using var coarse = _stages[2].Forward(stream, middle);
        using var fineLateral = _laterals[0].Forward(stream, fine);
        using var middleLateral = _laterals[1].Forward(stream, middle);
        using var coarseLateral = _laterals[2].Forward(stream, coarse);
        // Top down, then bottom up; a map that is not needed any more takes the sum.
        AddResized(stream, coarseLateral, middleLateral);
        AddResized(stream, middleLateral, fineLateral);
        AddResized(stream, fineLateral, middleLateral);
        AddResized(stream, middleLateral, coarseLateral);
        int first = 0;
        DeviceTensor[] maps = [fineLateral, middleLateral, coarseLateral];
        for (int level = 0; level < maps.Length; level++)
        {
            long side = maps[level].Shape[1], cells = side * side;
            using var features = _heads[level].Features.Forward(stream, maps[level]);
            _heads[level].Output.Forward(stream, features, rows.Rows(first, cells).Reshape(1, side, side, Outputs));
            first += (int)cells;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stem.Dispose();
        foreach (var stage in _stages) stage.Dispose();
        foreach (var lateral in _laterals) lateral.Dispose();
        foreach (var (features, output) in _heads)
        {
            features.Dispose();
            output.Dispose();
        }
    }

    // y += x, scaled to the size of y.
    private static void AddResized(DeviceStream stream, DeviceTensor x, DeviceTensor y)
    {
        using var resized = DeviceTensor.Allocate(stream, DType.Float32, y.Shape);
        Kernels.Resize(stream, new ResizeOptions(), x, resized);
        Kernels.Binary(stream, BinaryOp.Add, y, resized, y);
    }
}
