namespace Fovea.Training;

/// <summary>x [N][H][W][in], w [out][kh][kw][in/groups], bias [out] or absent; y [N][oh][ow][out]. Recorded without activation, whose
/// input is what backward would need; an inference adds one, and what is added in front of it as a fourth input.</summary>
internal sealed record Conv2DOperation(Conv2DOptions Options) : Operation
{
    public override string Name => "conv2d";

    public override SavedTensors Saves(uint wanted) => SavedTensors.OfProduct(wanted);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, w, o) = (inputs[0]!, inputs[1]!, Options);
        if (x.Rank != 4 || x[3] != o.InChannels) throw Bad($"x is {x}, the layer has {o.InChannels} input channels");
        ReadOnlySpan<long> shape = [o.OutChannels, o.KernelHeight, o.KernelWidth, o.InChannels / o.Groups];
        if (!w.Shape.SequenceEqual(shape)) throw Bad($"the weight is {w}, not [{string.Join(", ", shape.ToArray())}]");
        if (inputs.Length > 2 && inputs[2] is { } bias && (bias.Rank != 1 || bias[0] != o.OutChannels)) throw Bad($"the bias is {bias}");
        var (height, width) = o.OutputSize(x[1], x[2]);
        if (height < 1 || width < 1) throw Bad($"x {x} is smaller than the kernel");
        outputs[0] = x.With(x[0], height, width, o.OutChannels);
    }

    // Each element of y is a sum over one filter.
    public override long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].ElementCount * (inputs[1]!.ElementCount / outputs[0][^1]);

    public override uint PackedInputs => 0b10;

    public override DeviceTensor? Pack(ForwardPass pass) => Kernels.PrepareConv2D(pass.Stream, Options, pass.Input(1));

    public override void Forward(ForwardPass pass)
    {
        using var packed = pass.Packed();
        Kernels.Conv2D(pass.Stream, Options, pass.Input(0), packed, pass.Optional(2), slope: null, pass.Optional(3), pass.Output());
    }

    public override void Backward(BackwardPass pass)
    {
        var dy = pass.OutputGradient();
        if (pass.Gradient(0) is { } dx)
        {
            using var packed = Kernels.PrepareConv2DBackwardData(pass.Stream, Options, pass.Input(1));
            Kernels.Conv2DBackwardData(pass.Stream, Options, dy, packed, dx);
        }
        var (dw, dbias) = (pass.Gradient(1), pass.Gradient(2));
        if (dw is not null) Kernels.Conv2DBackwardWeights(pass.Stream, Options, pass.Input(0), dy, dw, dbias);
        else if (dbias is not null) Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, 0, 1, 2), dy, dbias);
    }
}
