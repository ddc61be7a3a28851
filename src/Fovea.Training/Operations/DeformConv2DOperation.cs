namespace Fovea.Training;

/// <summary>Convolution whose taps are moved by offsets and weighted by a mask (Zhu et al., "Deformable ConvNets v2", 2019): x
/// [N][H][W][in], offsets [N][oh][ow][groups*kh*kw*2], mask [N][oh][ow][groups*kh*kw] or absent, w [out][kh][kw][in/conv groups], bias
/// [out] or absent.</summary>
internal sealed record DeformConv2DOperation(DeformConv2DOptions Options) : Operation
{
    public override string Name => "deform_conv2d";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b1111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, offsets, mask, w, o) = (inputs[0]!, inputs[1]!, inputs[2], inputs[3]!, Options.Conv);
        if (x.Rank != 4 || x[3] != o.InChannels) throw Bad($"x is {x}, the layer has {o.InChannels} input channels");
        var (height, width) = o.OutputSize(x[1], x[2]);
        var taps = (long)Options.OffsetGroups * o.KernelHeight * o.KernelWidth;
        if (!offsets.Shape.SequenceEqual([x[0], height, width, 2 * taps])) throw Bad($"offsets {offsets} do not fit [{x[0]}, {height}, {width}, {2 * taps}]");
        if (mask is not null && !mask.Shape.SequenceEqual([x[0], height, width, taps])) throw Bad($"mask {mask} does not fit [{x[0]}, {height}, {width}, {taps}]");
        if (!w.Shape.SequenceEqual([o.OutChannels, o.KernelHeight, o.KernelWidth, o.InChannels / o.Groups])) throw Bad($"the weight is {w}");
        outputs[0] = x.With(x[0], height, width, o.OutChannels);
    }

    // Each element of y is a sum over one filter.
    public override long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].ElementCount * (inputs[3]!.ElementCount / outputs[0][^1]);

    public override void Forward(ForwardPass pass) =>
        Kernels.DeformConv2D(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Input(3), pass.Optional(4), pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.DeformConv2DBackward(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Input(3), pass.OutputGradient(),
            new DeformConv2DGradients
            {
                X = pass.Gradient(0),
                Offsets = pass.Gradient(1),
                Mask = pass.Gradient(2),
                Weights = pass.Gradient(3),
                Bias = pass.Gradient(4),
            });
}
