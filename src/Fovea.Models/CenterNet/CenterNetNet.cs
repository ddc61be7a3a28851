using Fovea.Data;

namespace Fovea.Models.CenterNet;

/// <summary>CenterNet (Zhou et al., "Objects as Points", 2019) on MobileNetV3 for the 80 classes of COCO: a heat map of 128 x 128 cells whose
/// peaks are the objects, and at each cell how far the object's edges are. 2,014,924 parameters.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public sealed class CenterNetNet : IDisposable
{
    /// <summary>Side of the input in pixels.</summary>
    public const int InputSize = 512;

    /// <summary>Cells along a side of the output.</summary>
    public const int Cells = 128;

    // The network counts edges in units of this many pixels.
    private const float SizeUnit = 16;

    // MobileNetV3 "large": of its published table only the widths of blocks 7 and 10 to 14 differ.
    private static readonly MobileNetRow[] Table =
    [
        new(3, 16, 16, 16, 0, false, 1),
        new(3, 16, 64, 24, 0, false, 2),
        new(3, 24, 72, 24, 0, false, 1),
        new(5, 24, 72, 32, 24, false, 2),
        new(5, 32, 96, 32, 24, false, 1),
        new(5, 32, 96, 32, 24, false, 1),
        new(3, 32, 192, 64, 0, true, 2),
        new(3, 64, 160, 64, 0, true, 1),
        new(3, 64, 144, 64, 0, true, 1),
        new(3, 64, 144, 64, 0, true, 1),
        new(3, 64, 384, 88, 96, true, 1),
        new(3, 88, 528, 88, 136, true, 1),
        new(5, 88, 528, 120, 136, true, 2),
        new(5, 120, 720, 120, 184, true, 1),
        new(5, 120, 720, 120, 184, true, 1),
    ];

    private readonly Conv2DLayer _first;
    private readonly MobileNetBlock[] _blocks;
    private readonly Conv2DLayer _last;
    private readonly TopDownStep[] _steps;
    private readonly SqueezeExcite _attention;
    private readonly SeparableConv2DLayer _heat;
    private readonly SeparableConv2DLayer _edges;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public CenterNetNet(DeviceStream stream, TfjsWeights weights)
        : this(stream, weights.Floats)
    {
    }

    internal CenterNetNet(DeviceStream stream, WeightReader read)
    {
        const string backbone = "MobilenetV3", head = "CenternetHead";
        var weights = new CenterNetWeights(stream, read);
        _first = weights.Convolution($"{backbone}/Conv", 3, 16, Activation.HardSwish, kernel: 3, stride: 2);
        _blocks = [.. Table.Select((row, i) => new MobileNetBlock(weights, $"{backbone}/expanded_conv" + (i == 0 ? "" : $"_{i}"), row))];
        _last = weights.Convolution("extern1", 120, 480, Activation.HardSwish);
        _steps =
        [
            new TopDownStep(stream, weights, 4, 480, CenterNetWeights.Sixth, 88, 128, 16),
            new TopDownStep(stream, weights, 3, 256, 1, 96, 96, 32),
            new TopDownStep(stream, weights, 2, 192, 1, 72, 64, 64),
        ];
        _attention = new SqueezeExcite(
            weights.Linear($"tower_0/{head}/conv1x1_se_a/Conv2D_weights", $"tower_0/{head}/conv1x1_se_a/Conv2D_bn_offset", 128, 32, Activation.Relu),
            weights.Linear($"{head}/conv1x1_se_b/weights", bias: null, 32, 128, Activation.Sigmoid));
        _heat = weights.Output($"{head}/centernet_cls_output", 128, CocoClasses.Names.Length, Activation.Sigmoid);
        _edges = weights.Output($"{head}/centernet_wh_output", 128, 4, Activation.None, SizeUnit);
    }

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static CenterNetNet Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new CenterNetNet(stream, store.LoadTfjs("centernet", "centernet.json"));
    }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, 512, 512, 3]</c> RGB, 0 to 255.</param>
    /// <param name="heat">Receives <c>[1, 128, 128, 80]</c>: probabilities that an object's middle is here.</param>
    /// <param name="edges">Receives <c>[1, 128, 128, 4]</c>: pixels of the input from the cell's corner to the object's left, top, right and
    /// bottom edge.</param>
    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor heat, DeviceTensor edges)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(heat);
        ArgumentNullException.ThrowIfNull(edges);
        using var first = _first.Forward(stream, image);
        // This map is also added to, so the factor of the rounded sixth cannot wait for the next weights.
        Kernels.Affine(stream, CenterNetWeights.Sixth, 0, first, first);
        // The way back takes the wide maps of blocks 3 and 5, and the output of block 11.
        using var x2 = Run(stream, 0, 3, first);
        using var wide3 = _blocks[3].Expand(stream, x2)!;
        using var x3 = _blocks[3].Project(stream, wide3, x2);
        using var x4 = Run(stream, 4, 5, x3);
        using var wide5 = _blocks[5].Expand(stream, x4)!;
        using var x5 = _blocks[5].Project(stream, wide5, x4);
        using var x11 = Run(stream, 6, 12, x5);
        using var x14 = Run(stream, 12, 15, x11);
        using var coarsest = _last.Forward(stream, x14);

        using var c4 = _steps[0].Forward(stream, coarsest, x11);
        using var c3 = _steps[1].Forward(stream, c4, wide5);
        using var c2 = _steps[2].Forward(stream, c3, wide3);
        _attention.Apply(stream, c2);
        _heat.Forward(stream, c2, residual: null, heat);
        _edges.Forward(stream, c2, residual: null, edges);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _first.Dispose();
        foreach (var block in _blocks) block.Dispose();
        _last.Dispose();
        foreach (var step in _steps) step.Dispose();
        _attention.Dispose();
        _heat.Dispose();
        _edges.Dispose();
    }

    // Blocks from one index up to another, which is not run.
    private DeviceTensor Run(DeviceStream stream, int from, int to, DeviceTensor x)
    {
        var current = _blocks[from].Forward(stream, x);
        for (int i = from + 1; i < to; i++)
        {
            using var previous = current;
            current = _blocks[i].Forward(stream, previous);
        }

        return current;
    }
}
