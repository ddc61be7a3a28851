namespace Fovea.Training.Tests.Gradients;

internal static partial class GradientCases
{
    public static IReadOnlyList<GradientCase> All { get; } =
    [
        .. Products(),
        .. Convolutions(),
        .. Layouts(),
        .. Activations(),
        .. Normalisations(),
        .. Sequences(),
        .. Losses(),
        .. Elementwise(),
        .. Images(),
        .. RecurrentCells(),
    ];

    private static IEnumerable<GradientCase> Products() =>
    [
        new("linear 3x5 to 4", [[3, 5], [4, 5], [4]], (_, v) => v[0].Linear(v[1], v[2])),
        new("linear 2x3x7 to 2 without bias", [[2, 3, 7], [2, 7]], (_, v) => v[0].Linear(v[1])),
        new("matmul 3x4 by 4x2", [[3, 4], [4, 2]], (_, v) => v[0].MatMul(v[1])),
        new("matmul transposed both", [[4, 3], [2, 4]], (_, v) => v[0].MatMul(v[1], new MatMulOptions { TransposeA = true, TransposeB = true, Alpha = 0.5f })),
        new("matmul batch of 3", [[3, 2, 4], [3, 5, 4]], (_, v) => v[0].MatMul(v[1], new MatMulOptions { TransposeB = true })),
        new("matmul batch with one matrix", [[3, 2, 4], [4, 3]], (_, v) => v[0].MatMul(v[1])),
        new("matmul with itself", [[3, 3]], (_, v) => v[0].MatMul(v[0])),
    ];

    private static IEnumerable<GradientCase> Convolutions()
    {
        var same = new Conv2DOptions(3, 4, 3) { Padding = 1 };
        yield return new("conv2d 3x3", [[2, 4, 5, 3], [4, 3, 3, 3], [4]], (_, v) => v[0].Conv2D(same, v[1], v[2]));
        var strided = new Conv2DOptions(2, 3, 3) { Stride = 2, PadTop = 1, PadLeft = 1 };
        yield return new("conv2d strided", [[1, 5, 6, 2], [3, 3, 3, 2]], (_, v) => v[0].Conv2D(strided, v[1]));
        var dilated = new Conv2DOptions(1, 2, 2) { Dilation = 2 };
        yield return new("conv2d dilated", [[1, 5, 4, 1], [2, 2, 2, 1]], (_, v) => v[0].Conv2D(dilated, v[1]));
        var grouped = new Conv2DOptions(4, 6, 3) { Padding = 1, Groups = 2 };
        yield return new("conv2d grouped", [[1, 3, 4, 4], [6, 3, 3, 2], [6]], (_, v) => v[0].Conv2D(grouped, v[1], v[2]));
        var depthwise = new Conv2DOptions(5, 5, 3) { Padding = 1, Groups = 5 };
        yield return new("conv2d depthwise", [[1, 4, 4, 5], [5, 3, 3, 1], [5]], (_, v) => v[0].Conv2D(depthwise, v[1], v[2]));
        var deformed = new DeformConv2DOptions { Conv = new Conv2DOptions(2, 3, 2), OffsetGroups = 1 };
        // Offsets between 0.1 and 0.4: no sample comes near a cell's border, where the slope jumps.
        yield return new("deform_conv2d", [[1, 4, 4, 2], [1, 3, 3, 8], [1, 3, 3, 4], [3, 2, 2, 2], [3]],
            (_, v) => v[0].DeformConv2D(deformed, v[1].Affine(0.3f, 0.25f), v[2], v[3], v[4]));
        var up = new ConvTranspose2DOptions { Conv = new Conv2DOptions(3, 2, 3) { Stride = 2, Padding = 1 }, OutputPadHeight = 1 };
        var upGrouped = new ConvTranspose2DOptions { Conv = new Conv2DOptions(4, 6, 2) { Stride = 2, Groups = 2 } };
        yield return new("conv_transpose2d grouped", [[1, 2, 3, 4], [6, 2, 2, 2], [6]], (_, v) => v[0].ConvTranspose2D(upGrouped, v[1], v[2]));
        yield return new("conv_transpose2d", [[1, 3, 2, 3], [2, 3, 3, 3], [2]], (_, v) => v[0].ConvTranspose2D(up, v[1], v[2]));
    }

    private static IEnumerable<GradientCase> Layouts() =>
    [
        new("reshape and product", [[2, 6], [3, 4]], (_, v) => v[0].Reshape(3, 4).MatMul(v[1], new MatMulOptions { TransposeB = true })),
        new("rows and columns of one tensor", [[4, 6]], (_, v) => v[0].Rows(1, 2).Columns(0, 4).MatMul(v[0].Columns(3, 2))),
        new("concat with a shared part", [[3, 2], [3, 1]], (_, v) => TapeOperations.Concat(v[0], v[1], v[0])),
        new("gather_rows with repeats", [[5, 3]], (_, v) => v[0].GatherRows(v[1])) { Indices = [[0, 4, 0, 2, 0]] },
        new("gather_in_batch with repeats and padding", [[2, 4, 3]], (_, v) => v[0].GatherInBatch(v[1].Reshape(2, 3))) { Indices = [[3, 0, 3, -1, 1, 4]] },
        new("repeat inside", [[2, 3]], (_, v) => v[0].Repeat(1, 4)),
        new("repeat in front", [[2, 3]], (_, v) => v[0].Repeat(0, 2)),
        new("embedding_bag with an empty row and padding", [[5, 3]], (_, v) => v[0].EmbeddingBag(v[1], v[2], 4)) { Indices = [[0, 4, 0, 2, -1], [0, 0, 3, 3, -1]] },
    ];

    private static IEnumerable<GradientCase> Activations()
    {
        (string Name, Activation Function)[] smooth =
        [
            ("sigmoid", Activation.Sigmoid), ("tanh", Activation.Tanh), ("silu", Activation.Silu), ("mish", Activation.Mish), ("gelu", Activation.Gelu),
            ("gelu_tanh", Activation.GeluTanh), ("softplus", Activation.Softplus), ("softsign", Activation.Softsign),
        ];
        foreach (var (name, function) in smooth) yield return new($"activate {name}", [[3, 5]], (_, v) => v[0].Activate(function)) { Low = -2, High = 2 };
        // With kinks: no number within two steps of 0, and inside the clamps.
        (string Name, Activation Function)[] kinked =
        [
            ("relu", Activation.Relu), ("relu6", Activation.Relu6), ("leaky_relu", Activation.LeakyRelu(0.1f)), ("elu", Activation.Elu()),
            ("selu", Activation.Selu), ("hard_swish", Activation.HardSwish), ("hard_sigmoid", Activation.HardSigmoid()), ("clamp", Activation.Clamp(-0.9f, 0.9f)),
        ];
        foreach (var (name, function) in kinked)
            yield return new($"activate {name}", [[3, 4]], (_, v) => v[0].Activate(function)) { Low = -1.15f, Gap = 0.2f };
        yield return new("activate prelu", [[4, 3], [3]], (_, v) => v[0].Activate(Activation.PRelu, v[1])) { Low = -1.15f, Gap = 0.2f };
    }

    // Mean and variance of four channels.
    private static float[][] Statistics => [[0.5f, -1, 0, 2], [0.25f, 1, 4, 0.1f]];

    private static IEnumerable<GradientCase> Normalisations() =>
    [
        new("softmax 3x5", [[3, 5]], (_, v) => v[0].Softmax()) { Low = -2, High = 2 },
        new("log_softmax over the middle", [[2, 4, 3]], (_, v) => v[0].Softmax(axis: 1, log: true)) { Low = -2, High = 2 },
        new("layer_norm 4x6", [[4, 6], [6], [6]], (_, v) => v[0].LayerNorm(new LayerNormOptions(), v[1], v[2])) { Low = -2, High = 2 },
        new("rms_norm 4x5", [[4, 5], [5]], (_, v) => v[0].LayerNorm(new LayerNormOptions { Rms = true }, v[1])) { Low = -2, High = 2 },
        new("group_norm 2x3x4x6 by 3", [[2, 3, 2, 6], [6], [6]], (_, v) => v[0].GroupNorm(new GroupNormOptions(3), v[1], v[2])) { Low = -2, High = 2 },
        new("frozen_batch_norm with a scale", [[2, 3, 4], [4], [4]], (_, v) => v[0].FrozenBatchNorm(new BatchNormOptions(), v[3], v[4], v[1], v[2]))
            { Constants = Statistics },
        new("frozen_batch_norm by constants", [[2, 3, 4]], (_, v) => v[0].FrozenBatchNorm(new BatchNormOptions(), v[1], v[2], v[2], v[1])) { Constants = Statistics },
        new("frozen_batch_norm without scale", [[2, 3, 4]], (_, v) => v[0].FrozenBatchNorm(new BatchNormOptions(), v[1], v[2])) { Constants = Statistics },
        new("layer_norm without scale", [[3, 7]], (_, v) => v[0].LayerNorm(new LayerNormOptions())) { Low = -2, High = 2 },
    ];

    private static IEnumerable<GradientCase> Losses() =>
    [
        new("cross_entropy", [[4, 5]], (_, v) => v[0].CrossEntropy(v[1])) { Low = -2, High = 2, Indices = [[0, 4, 1, 1]] },
        new("cross_entropy smoothed, with an ignored row", [[4, 3]],
            (_, v) => v[0].CrossEntropy(v[1], new CrossEntropyOptions { LabelSmoothing = 0.1f, IgnoreIndex = -1 })) { Low = -2, High = 2, Indices = [[2, -1, 0, 1]] },
        .. PointwiseLosses(),
        .. BoxLosses(),
        new("dropout", [[6, 7]], (_, v) => v[0].Dropout(0.3f)),
        new("corner_pool", [[1, 4, 3, 2]], (_, v) => v[0].CornerPool(Corner.Top)) { Low = -1.2f, Gap = 0.1f },
    ];

    private static IEnumerable<GradientCase> PointwiseLosses()
    {
        float[] targets = [0, 1, 0.3f, 0.8f, 0, 1];
        PointwiseLossOptions[] ofLogits =
        [
            PointwiseLossOptions.Bce, PointwiseLossOptions.Focal(), PointwiseLossOptions.QualityFocal(), PointwiseLossOptions.Varifocal(),
            PointwiseLossOptions.HeatMap(), PointwiseLossOptions.Squared,
        ];
        foreach (var options in ofLogits)
            yield return new($"pointwise_loss {options.Kind}", [[6]], (_, v) => v[0].PointwiseLoss(v[1], options)) { Low = -2, High = 2, Constants = [targets] };
        // No difference within two steps of 0 or of beta, where the slope has a kink.
        yield return new("pointwise_loss SmoothL1", [[6]], (_, v) => v[0].SmoothL1(v[1], 0.5f)) { Low = -0.9f, Gap = 0.3f, Constants = [new float[6]] };
    }

    // Boxes of about 4 x 3 around (2, 2), far enough from the edges of the targets; some meet them, some do not.
    private static IEnumerable<GradientCase> BoxLosses()
    {
        float[] targets = [1, 1, 3, 5, 0.6f, 1.2f, 6, 3.2f, 8, 1, 11, 2.5f, 5.5f, 6.5f, 9, 8];
        BoxLossOptions[] all =
        [
            .. from overlap in Enum.GetValues<Overlap>() where overlap != Overlap.Min select new BoxLossOptions { Overlap = overlap, DetachAlpha = false },
            new() { Overlap = Overlap.Ciou, Power = 3, DetachAlpha = false },
        ];
        foreach (var options in all)
        {
            yield return new($"box_loss {options.Overlap}^{options.Power}", [[4, 2], [4, 2]], (_, v) =>
            {
                var corner = v[0].Affine(0.5f);
                return TapeOperations.Concat(corner, corner.Add(v[1].Affine(1, 3.7f))).BoxLoss(v[2].Reshape(4, 4), options);
            })
            { Constants = [targets] };
        }
    }

    private static IEnumerable<GradientCase> Sequences() =>
    [
        new("causal_conv1d", [[2, 5, 3], [3, 4], [3]], (_, v) => v[0].CausalConv1D(Activation.Silu, v[1], v[2])),
        new("diagonal_scan with a constant decay", [[2, 5, 3], [3]], (_, v) => v[0].DiagonalScan(v[1])),
        new("diagonal_scan complex, a decay per step", [[2, 4, 6], [2, 4, 6]], (_, v) => v[0].DiagonalScan(v[1], new DiagonalScanOptions { Complex = true })),
        new("diagonal_scan complex, a constant decay", [[1, 5, 4], [4]], (_, v) => v[0].DiagonalScan(v[1], new DiagonalScanOptions { Complex = true })),
        new("exponential_kernel", [[2, 3, 2], [2, 3, 2]], (_, v) => v[0].ExponentialKernel(v[1], 5)),
        new("long_conv1d", [[2, 5, 3], [3, 4], [3]], (_, v) => v[0].LongConv1D(v[1], v[2])),
        new("attention causal with groups", [[2, 3, 4, 8], [2, 5, 2, 8], [2, 5, 2, 8]], (_, v) => v[0].Attention(v[1], v[2], new AttentionOptions { Causal = true })),
        new("linear_attention with a decay per step", [[2, 5, 1, 3], [2, 5, 1, 3], [2, 5, 2, 2], [2, 5, 2]],
            (_, v) => v[0].LinearAttention(v[1], v[2], new LinearAttentionOptions { Chunk = 2 }, v[3].Affine(1, -0.6f))),
        new("linear_attention with a decay per head", [[1, 4, 2, 3], [1, 4, 2, 3], [1, 4, 2, 2], [2]],
            (_, v) => v[0].LinearAttention(v[1], v[2], new LinearAttentionOptions { Scale = 0.5f }, v[3].Affine(1, -0.6f))),
        new("wkv", [[2, 4, 3], [2, 4, 3], [3], [3]], (_, v) => v[0].Wkv(v[1], v[2].Affine(1, -0.6f), v[3])),
        new("gated_linear_attention of RWKV-5", [[2, 3, 2, 3], [2, 3, 2, 3], [2, 3, 2, 2], [2, 3], [2, 3]],
            (_, v) => v[0].GatedLinearAttention(v[1], v[2], v[3].Affine(1, -0.6f), v[4])),
        new("gated_linear_attention of RWKV-7", [[1, 4, 1, 3], [1, 4, 1, 3], [1, 4, 1, 2], [1, 4, 1, 3], [1, 4, 1, 3], [1, 4, 1, 3]],
            (_, v) => v[0].GatedLinearAttention(v[1], v[2], v[3].Affine(1, -0.6f), default, v[4], v[5])),
        new("selective_scan", [[1, 4, 3], [1, 4, 3], [3, 2], [1, 4, 2], [1, 4, 2], [3], [1, 4, 3], [3]],
            (_, v) => v[0].SelectiveScan(v[1], v[2], v[3], v[4], new SelectiveScanOptions { DeltaSoftplus = true }, v[5], v[6], v[7])),
    ];

    private static IEnumerable<GradientCase> Elementwise()
    {
        yield return new("add with broadcasting", [[2, 3, 4], [3, 1]], (_, v) => v[0].Add(v[1]));
        yield return new("subtract a scalar", [[2, 3], []], (_, v) => v[0].Subtract(v[1]));
        yield return new("multiply with broadcasting both ways", [[3, 1, 2], [1, 4, 2]], (_, v) => v[0].Multiply(v[1]));
        yield return new("multiply with itself", [[5]], (_, v) => v[0].Multiply(v[0]));
        yield return new("divide", [[2, 3], [3]], (_, v) => v[0].Divide(v[1])) { Low = 1, High = 2 };
        yield return new("pow", [[2, 3], [2, 1]], (_, v) => TapeOperations.Binary(BinaryOp.Pow, v[0], v[1])) { Low = 1, High = 2 };
        yield return new("maximum", [[4], [4]], (_, v) => TapeOperations.Binary(BinaryOp.Max, v[0], v[1].Affine(1, 0.05f))) { Low = -0.3f, Gap = 0.2f };
        foreach (var op in new[] { UnaryOp.Exp, UnaryOp.Log, UnaryOp.Sqrt, UnaryOp.Reciprocal, UnaryOp.Sin, UnaryOp.Erf })
            yield return new($"unary {op}", [[7]], (_, v) => v[0].Unary(op)) { Low = 1, High = 2 };
        yield return new("affine", [[7]], (_, v) => v[0].Affine(-3, 2));
        yield return new("sum over two dimensions", [[2, 3, 4]], (_, v) => v[0].Reduce(ReduceOp.Sum, keepDimensions: true, 0, 2));
        yield return new("mean of all", [[2, 3, 4]], (_, v) => v[0].Mean());
        yield return new("maximum of rows", [[3, 4]], (_, v) => v[0].Reduce(ReduceOp.Max, keepDimensions: false, 1)) { Low = -1, Gap = 0.15f };
        yield return new("log-sum-exp of rows", [[3, 4]], (_, v) => v[0].Reduce(ReduceOp.LogSumExp, keepDimensions: false, 1)) { Low = -2, High = 2 };
        yield return new("l2 of columns", [[3, 4]], (_, v) => v[0].Reduce(ReduceOp.L2, keepDimensions: false, 0)) { Low = 1, High = 2 };
    }

    private static IEnumerable<GradientCase> Images() =>
    [
        new("pool2d max", [[1, 5, 4, 2]], (_, v) => v[0].Pool2D(new Pool2DOptions { KernelHeight = 3, KernelWidth = 3, StrideHeight = 2, StrideWidth = 2, PadTop = 1, PadLeft = 1 }))
            { Low = -2, Gap = 0.1f },
        new("pool2d average", [[2, 4, 5, 3]], (_, v) => v[0].Pool2D(new Pool2DOptions { Mode = PoolMode.Average, KernelHeight = 2, KernelWidth = 3 })),
        new("global average", [[2, 3, 4, 5]], (_, v) => v[0].AdaptivePool2D(PoolMode.Average)),
        new("adaptive max 2x3", [[1, 5, 7, 1]], (_, v) => v[0].AdaptivePool2D(PoolMode.Max, 2, 3)) { Low = -2, Gap = 0.1f },
        new("resize up", [[1, 3, 4, 2]], (_, v) => v[0].Resize(new ResizeOptions(), 5, 7)),
        new("resize nearest", [[1, 3, 3, 2]], (_, v) => v[0].Resize(new ResizeOptions { Mode = ResizeMode.Nearest }, 6, 6)),
        new("roi_align", [[2, 6, 7, 2]], (_, v) => v[0].RoiAlign(new RoiAlignOptions { SamplingRatio = 2 }, v[2].Reshape(3, 4), 2, 3, v[1]))
        {
            Indices = [[0, 1, 1]],
            Constants = [[0.5f, 1, 4.2f, 5.1f, 2, 0, 6.7f, 3.3f, 1, 1, 2, 5.5f]],
        },
    ];

    private static IEnumerable<GradientCase> RecurrentCells()
    {
        foreach (var (cell, gates) in new[] { (RecurrentCell.RnnTanh, 1), (RecurrentCell.Lstm, 4), (RecurrentCell.Gru, 3), (RecurrentCell.GruResetBefore, 3) })
        {
            var options = new RecurrentOptions { Cell = cell, InputSize = 3, HiddenSize = 2, Reverse = cell == RecurrentCell.Gru };
            yield return new($"recurrent {cell}", [[2, 3, 3], [gates * 2, 3], [gates * 2, 2], [gates * 2], [gates * 2]],
                (_, v) => v[0].Recurrent(options, v[1], v[2], v[3], v[4]))
            { Low = -1, High = 1 };
        }
    }
}
