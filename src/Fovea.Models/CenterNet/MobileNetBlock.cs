namespace Fovea.Models.CenterNet;

/// <summary>One block of MobileNetV3's table.</summary>
/// <param name="Kernel">Side of the depthwise kernel.</param>
/// <param name="Inputs">Channels of the input.</param>
/// <param name="Wide">Channels in between.</param>
/// <param name="Outputs">Channels of the output.</param>
/// <param name="Squeezed">Channels of squeeze-and-excitation; 0 without.</param>
/// <param name="IsSwish">Hard swish instead of ReLU.</param>
/// <param name="Stride">1 or 2.</param>
internal readonly record struct MobileNetRow(int Kernel, int Inputs, int Wide, int Outputs, int Squeezed, bool IsSwish, int Stride);

/// <summary>MobileNetV3's block (Howard et al., "Searching for MobileNetV3", 2019): 1x1 to more channels, depthwise, channel attention, 1x1
/// back without activation; the input is added where the shapes agree.</summary>
internal sealed class MobileNetBlock : ILayer
{
    private readonly MobileNetRow _row;
    private readonly Conv2DLayer? _expand;

    // Without attention both run in one pass; with it, attention stands between them.
    private readonly SeparableConv2DLayer? _separable;
    private readonly (Conv2DLayer Depthwise, SqueezeExcite Attention, Conv2DLayer Project)? _parts;

    public MobileNetBlock(CenterNetWeights weights, string name, in MobileNetRow row)
    {
        _row = row;
        var activation = row.IsSwish ? Activation.HardSwish : Activation.Relu;
        // What this block's own activations owe to the rounded sixth; the input is as it should be.
        float wide = row.IsSwish ? CenterNetWeights.Sixth : 1;
        if (row.Wide != row.Inputs) _expand = weights.Convolution($"{name}/expand", row.Inputs, row.Wide, activation);
        float expanded = _expand is null ? 1 : wide;
        if (row.Squeezed == 0)
        {
            _separable = weights.DepthwiseAndProject(name, row.Wide, row.Outputs, row.Kernel, row.Stride, activation, expanded, wide);
            return;
        }

        // Attention's variables were not folded, so they bear no tower.
        string attention = $"{name}/squeeze_excite/Conv";
        _parts = (
            weights.Depthwise($"{name}/depthwise", row.Wide, row.Kernel, row.Stride, activation, expanded),
            new SqueezeExcite(
                weights.Linear($"{attention}/weights", $"{attention}/biases", row.Wide, row.Squeezed, Activation.Relu, wide),
                weights.Linear($"{attention}_1/weights", $"{attention}_1/biases", row.Squeezed, row.Wide, CenterNetWeights.HardSigmoid)),
            weights.Convolution($"{name}/project", row.Wide, row.Outputs, Activation.None, scale: wide * CenterNetWeights.Sixth));
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        using var wide = Expand(stream, x);
        return Project(stream, wide ?? x, x);
    }

    /// <summary>The first convolution; null where the block has none.</summary>
    public DeviceTensor? Expand(DeviceStream stream, DeviceTensor x) => _expand?.Forward(stream, x);

    /// <summary>All behind <see cref="Expand"/>.</summary>
    public DeviceTensor Project(DeviceStream stream, DeviceTensor wide, DeviceTensor x)
    {
        var residual = _row.Stride == 1 && _row.Inputs == _row.Outputs ? x : null;
        if (_separable is not null) return _separable.Forward(stream, wide, residual);
        var (depthwise, attention, project) = _parts!.Value;
        using var map = depthwise.Forward(stream, wide);
        attention.Apply(stream, map);
        var y = DeviceTensor.Allocate(stream, DType.Float32, 1, map.Shape[1], map.Shape[2], _row.Outputs);
        project.Forward(stream, map, residual, y);
        return y;
    }

    public void Dispose()
    {
        _expand?.Dispose();
        _separable?.Dispose();
        if (_parts is not var (depthwise, attention, project)) return;
        depthwise.Dispose();
        attention.Dispose();
        project.Dispose();
    }
}
