namespace Fovea.Training;

/// <summary>x [N][H][W][in], w [out][kh][kw][in/groups], bias [out] or absent; y [N][oh][ow][out].</summary>
internal sealed record ConvTranspose2DOperation(ConvTranspose2DOptions Options) : Operation
{
    public override string Name => "conv_transpose2d";

    public override SavedTensors Saves(uint wanted) => SavedTensors.OfProduct(wanted);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, w, o) = (inputs[0]!, inputs[1]!, Options.Conv);
        if (x.Rank != 4 || x[3] != o.InChannels) throw Bad($"x is {x}, the layer has {o.InChannels} input channels");
        ReadOnlySpan<long> shape = [o.OutChannels, o.KernelHeight, o.KernelWidth, o.InChannels / o.Groups];
        if (!w.Shape.SequenceEqual(shape)) throw Bad($"the weight is {w}, not [{string.Join(", ", shape.ToArray())}]");
        if (inputs.Length > 2 && inputs[2] is { } bias && (bias.Rank != 1 || bias[0] != o.OutChannels)) throw Bad($"the bias is {bias}");
        var (height, width) = Options.OutputSize(x[1], x[2]);
        if (height < 1 || width < 1) throw Bad($"x {x} gives nothing");
        outputs[0] = x.With(x[0], height, width, o.OutChannels);
    }

    // Each element of x meets one filter.
    public override long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        inputs[0]!.ElementCount * (inputs[1]!.ElementCount / inputs[0]![^1]);

    public override uint PackedInputs => 0b10;

    public override DeviceTensor? Pack(ForwardPass pass) => Kernels.PrepareConvTranspose2D(pass.Stream, Options, pass.Input(1));

    public override void Forward(ForwardPass pass)
    {
        using var packed = pass.Packed();
        Kernels.ConvTranspose2D(pass.Stream, Options, pass.Input(0), packed, pass.Optional(2), slope: null, pass.Output());
    }

    // Forward is the data gradient of a convolution from y to x, whose weights are [in][kh][kw][out]: so dx is that convolution of dy
    // and dw its weight gradient, with the channel dimensions swapped on both ways. Groups are slices of the channels.
    public override void Backward(BackwardPass pass)
    {
        var o = Options.Conv;
        var (dy, dx, dw) = (pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1));
        var (inputs, outputs) = (o.InChannels / o.Groups, o.OutChannels / o.Groups);
        var mirror = o with { InChannels = outputs, OutChannels = inputs, Groups = 1 };
        using var swapped = DeviceTensor.Allocate(pass.Stream, dy.DType, inputs, o.KernelHeight, o.KernelWidth, outputs);
        for (var g = 0; g < o.Groups; g++)
        {
            var part = dy.Columns(g * outputs, outputs);
            if (dx is not null)
            {
                SwapEnds(pass.Stream, pass.Input(1).Rows(g * outputs, outputs), swapped);
                using var packed = Kernels.PrepareConv2D(pass.Stream, mirror, swapped);
                Kernels.Conv2D(pass.Stream, mirror, part, packed, bias: null, slope: null, residual: null, dx.Columns(g * inputs, inputs));
            }
            if (dw is not null)
            {
                Kernels.Conv2DBackwardWeights(pass.Stream, mirror, part, pass.Input(0).Columns(g * inputs, inputs), swapped, dbias: null);
                SwapEnds(pass.Stream, swapped, dw.Rows(g * outputs, outputs));
            }
        }
        if (pass.Gradient(2) is { } dbias) Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, 0, 1, 2), dy, dbias);
    }

    // y[b][..][a] = x[a][..][b]: one copy of a strided column per row of x, for weights only.
    private static void SwapEnds(DeviceStream stream, DeviceTensor x, DeviceTensor y)
    {
        var (a, b) = (x.Shape[0], x.Shape[^1]);
        var middle = x.ElementCount / Math.Max(1, a * b);
        var source = x.Reshape(a, middle, b);
        var target = y.Reshape(b, middle, a);
        for (long i = 0; i < b; i++)
        {
            var plane = target.Rows(i, 1).Reshape(middle, a);
            for (long j = 0; j < a; j++) Kernels.Copy(stream, source.Rows(j, 1).Reshape(middle, b).Columns(i, 1), plane.Columns(j, 1));
        }
    }
}
