namespace Fovea.Training;

public static partial class TapeOperations
{
    /// <summary>Convolution of x [N][H][W][in] with weight [out][kh][kw][in/groups], bias [out] or absent, then the activation
    /// of the options.</summary>
    public static Value Conv2D(this Value x, in Conv2DOptions options, Value weight, Value bias = default)
    {
        var y = x.Tape.Record(new Conv2DOperation(options with { Activation = Activation.None }), x, weight, bias);
        return options.Activation.Kind == ActivationKind.None ? y : y.Activate(options.Activation);
    }

    /// <summary>Deformable convolution; see <see cref="Kernels.DeformConv2D"/> for the shapes. The activation of the options
    /// follows.</summary>
    public static Value DeformConv2D(this Value x, in DeformConv2DOptions options, Value offsets, Value mask, Value weight, Value bias = default)
    {
        var plain = options with { Conv = options.Conv with { Activation = Activation.None } };
        var y = x.Tape.Record(new DeformConv2DOperation(plain), x, offsets, mask, weight, bias);
        return options.Conv.Activation.Kind == ActivationKind.None ? y : y.Activate(options.Conv.Activation);
    }

    /// <summary>Transposed convolution of x [N][H][W][in] with weight [out][kh][kw][in/groups].</summary>
    public static Value ConvTranspose2D(this Value x, in ConvTranspose2DOptions options, Value weight, Value bias = default)
    {
        var y = x.Tape.Record(new ConvTranspose2DOperation(options with { Conv = options.Conv with { Activation = Activation.None } }), x, weight, bias);
        return options.Conv.Activation.Kind == ActivationKind.None ? y : y.Activate(options.Conv.Activation);
    }

    /// <summary>Rows of a table [N][..] by indices of any shape: embedding lookup.</summary>
    public static Value GatherRows(this Value table, Value indices) => table.Tape.Record(new GatherRowsOperation(), table, indices);

    /// <summary>Rows of a table per batch entry: tables [B][N][..] by indices [B][K] to [B][K][..]; an index outside [0, N) gives zeros.</summary>
    public static Value GatherInBatch(this Value tables, Value indices) => tables.Tape.Record(new GatherInBatchOperation(), tables, indices);

    /// <summary>Combined embedding look-up (<see cref="Fovea.EmbeddingBag"/>): y[r] = sum of weight * table[id] over the ids of
    /// row r, divided by the row's divisor. Ids and rows of -1 are padding.</summary>
    /// <param name="table">[buckets][dimension].</param>
    /// <param name="ids">[n], Int32 or Int64.</param>
    /// <param name="idRows">[n]: the row of y that each id belongs to.</param>
    /// <param name="rows">Rows of y.</param>
    /// <param name="weights">[n][1] or absent; a constant.</param>
    /// <param name="divisors">[rows][1] or absent; a constant.</param>
    public static Value EmbeddingBag(this Value table, Value ids, Value idRows, long rows, Value weights = default, Value divisors = default) =>
        table.Tape.Record(new EmbeddingBagOperation(rows), table, ids, idRows, weights, divisors);

    /// <summary>Scaled dot-product attention: q [B][Lq][H][D], k and v [B][Lk][G][D].</summary>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="options">Mask and scale.</param>
    /// <param name="keyLengths">i32 [B], keys that count per batch entry, or absent.</param>
    public static Value Attention(this Value q, Value k, Value v, AttentionOptions options, Value keyLengths = default)
    {
        Span<Value> outputs = [default, default];
        q.Tape.Record(new AttentionOperation(options), [q, k, v, keyLengths], outputs);
        return outputs[0];
    }

    /// <summary>Causal linear attention with decay (RetNet, Mamba-2): q, k [B][L][G][D], v [B][L][H][P], log decay [H], [B][L][H] or
    /// absent.</summary>
    public static Value LinearAttention(this Value q, Value k, Value v, LinearAttentionOptions options = default, Value logDecay = default) =>
        q.Tape.Record(new LinearAttentionOperation(options), q, k, v, logDecay);

    /// <summary>The selective scan of Mamba from a zero state; see <see cref="Kernels.SelectiveScan"/> for the
    /// shapes.</summary>
    public static Value SelectiveScan(this Value u, Value delta, Value a, Value b, Value c, SelectiveScanOptions options,
        Value skip = default, Value z = default, Value deltaBias = default) =>
        u.Tape.Record(new SelectiveScanOperation(options), u, delta, a, b, c, skip, z, deltaBias);

    /// <summary>The recurrence y[t] = a[t] * y[t-1] + x[t] from a zero state: x [B][L][D], a [D] or [B][L][D]; see
    /// <see cref="Kernels.DiagonalScan"/>.</summary>
    public static Value DiagonalScan(this Value x, Value a, DiagonalScanOptions options = default) =>
        x.Tape.Record(new DiagonalScanOperation(options), x, a);

    /// <summary>The first <paramref name="length"/> steps of the impulse response [D][length] of a diagonal state space; see
    /// <see cref="Kernels.ExponentialKernel"/>. exponents and weights [D][N][2].</summary>
    public static Value ExponentialKernel(this Value exponents, Value weights, long length) =>
        exponents.Tape.Record(new ExponentialKernelOperation(length), exponents, weights);

    /// <summary>Causal depthwise convolution with a kernel as long as the sequence: x [B][L][D], kernel [D][K], skip [D] or absent; see
    /// <see cref="Kernels.LongConv1D"/>.</summary>
    public static Value LongConv1D(this Value x, Value kernel, Value skip = default) =>
        x.Tape.Record(new LongConv1DOperation(), x, kernel, skip);

    /// <summary>Softmax, or its logarithm, over one dimension; a negative axis counts from the end.</summary>
    public static Value Softmax(this Value x, int axis = -1, bool log = false) =>
        x.Tape.Record(new SoftmaxOperation(new SoftmaxOptions { Axis = axis, Log = log }), x);

    /// <summary>Normalisation of the last dimension [C]; gamma and beta [C] or absent.</summary>
    public static Value LayerNorm(this Value x, LayerNormOptions options, Value gamma = default, Value beta = default) =>
        x.Tape.Record(new LayerNormOperation(options), x, gamma, beta);

    /// <summary>Normalisation of groups of neighbouring channels of each image: x [N][..][C], gamma and beta [C] or
    /// absent.</summary>
    public static Value GroupNorm(this Value x, GroupNormOptions options, Value gamma = default, Value beta = default) =>
        x.Tape.Record(new GroupNormOperation(options), x, gamma, beta);

    /// <summary>Normalisation of each channel by the batch's statistics, which also move the running mean and variance
    /// [C].</summary>
    public static Value BatchNorm(this Value x, BatchNormOptions options, DeviceTensor mean, DeviceTensor variance, Value gamma = default, Value beta = default)
    {
        Span<Value> outputs = [default, default, default];
        x.Tape.Record(new BatchNormOperation(options), [x, gamma, beta, x.Tape.Input(mean), x.Tape.Input(variance)], outputs);
        return outputs[0];
    }

    /// <summary>Normalisation of each channel by constant statistics [C]: batch normalisation as it is evaluated.</summary>
    public static Value FrozenBatchNorm(this Value x, BatchNormOptions options, Value mean, Value variance, Value gamma = default, Value beta = default) =>
        x.Tape.Record(new FrozenBatchNormOperation(options), x, gamma, beta, x.Tape.Detach(mean), x.Tape.Detach(variance));

    /// <summary>Maximum or average of windows of x [N][H][W][C].</summary>
    public static Value Pool2D(this Value x, in Pool2DOptions options) => x.Tape.Record(new Pool2DOperation(options), x);

    /// <summary>Maximum or average of height by width bins of x [N][H][W][C]; 1 by 1 is global pooling.</summary>
    public static Value AdaptivePool2D(this Value x, PoolMode mode, long height = 1, long width = 1) =>
        x.Tape.Record(new AdaptivePool2DOperation(mode, height, width), x);

    /// <summary>Resamples x [N][H][W][C] to another height and width.</summary>
    public static Value Resize(this Value x, in ResizeOptions options, long height, long width) =>
        x.Tape.Record(new ResizeOperation(options, height, width), x);

    /// <summary>Features of boxes [R][4] in x [N][H][W][C], height by width bins each; images [R] says whose box it is, absent:
    /// image 0.</summary>
    public static Value RoiAlign(this Value x, in RoiAlignOptions options, Value boxes, long height, long width, Value images = default) =>
        x.Tape.Record(new RoiAlignOperation(options, height, width), x, boxes, images);

    /// <summary>A recurrent layer from a zero state over x [B][L][input]; lengths i32 [B] or absent.</summary>
    public static Value Recurrent(this Value x, in RecurrentOptions options, Value weights, Value recurrent,
        Value bias = default, Value recurrentBias = default, Value lengths = default) =>
        x.Tape.Record(new RecurrentOperation(options), x, weights, recurrent, bias, recurrentBias, lengths);

    /// <summary>Running maximum of x [N][H][W][C] towards one side.</summary>
    public static Value CornerPool(this Value x, Corner corner) => x.Tape.Record(new CornerPoolOperation(corner), x);

    /// <summary>Depthwise convolution over time that looks back only: x [B][L][D], weight [D][K], bias [D] or absent.</summary>
    public static Value CausalConv1D(this Value x, Activation activation, Value weight, Value bias = default) =>
        x.Tape.Record(new CausalConv1DOperation(activation), x, weight, bias);

    /// <summary>Rows [start, start + count) of the leading dimension.</summary>
    public static Value Rows(this Value x, long start, long count) => x.Tape.Record(new SliceOperation(start, count, OfColumns: false), x);

    /// <summary>Columns [start, start + count) of the last dimension.</summary>
    public static Value Columns(this Value x, long start, long count) => x.Tape.Record(new SliceOperation(start, count, OfColumns: true), x);

    /// <summary>A new dimension in front of dimension <paramref name="axis"/>, along which x stands <paramref name="count"/> times.</summary>
    public static Value Repeat(this Value x, int axis, long count) => x.Tape.Record(new RepeatOperation(axis, count), x);

    /// <summary>Values side by side in the last dimension; of one value alone, a contiguous copy.</summary>
    public static Value Concat(this Value first, params ReadOnlySpan<Value> others) => first.Tape.Record(new ConcatOperation(), [first, .. others]);
}
