using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A convolution that keeps the size and whose every position has filters of its own (darknet's "local" layer), with bias and
/// activation: x [N][H][W][in] to [N][H][W][out].</summary>
/// <remarks>The weight is [H*W*out][1][1][in*k*k], as darknet's: positions row by row, of each its filters, of each the k*k numbers of a
/// channel side by side. Patches are gathered by a depthwise convolution whose filters are a single 1 each; then all positions are the
/// groups of one 1x1 convolution.</remarks>
public sealed class LocallyConnected : Module
{
    private readonly int _height, _width;
    private readonly Conv2DOptions _patches, _positions;
    private readonly Activation _activation;
    private readonly DeviceTensor _taps;
    private readonly Parameter _weight, _bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the layer.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Channels of y.</param>
    /// <param name="kernel">k, odd; zeros lie around x.</param>
    /// <param name="activation">Behind the bias.</param>
    public LocallyConnected(Initializer init, string name, int height, int width, int inChannels, int outChannels, int kernel, Activation activation = default)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        if (kernel % 2 == 0) throw new ArgumentException($"{name}: a kernel that keeps the size is odd, not {kernel}", nameof(kernel));
        var (positions, taps) = (height * width, kernel * kernel);
        (_height, _width, _activation) = (height, width, activation);
        _patches = new Conv2DOptions(inChannels, inChannels * taps, kernel) { Padding = kernel / 2, Groups = inChannels };
        _positions = new Conv2DOptions(positions * inChannels * taps, positions * outChannels, 1) { Groups = positions };
        var single = new float[inChannels * taps * taps];
        for (var filter = 0; filter < inChannels * taps; filter++) single[filter * taps + filter % taps] = 1;
        _taps = AddConstant(DeviceTensor.From<float>(init.Stream, single, inChannels * taps, kernel, kernel, 1));
        _weight = Add("weight", init.Normal(MathF.Sqrt(2f / (inChannels * taps)), positions * outChannels, 1, 1, inChannels * taps));
        _bias = Add("bias", init.Constant(0, positions * outChannels), decays: false);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x has another size than the layer.</exception>
    public override Value Forward(Value x)
    {
        if (x.Spec.Rank != 4 || x.Shape[1] != _height || x.Shape[2] != _width)
            throw new ArgumentException($"{Name}: x is {x.Spec}, the layer has {_height}x{_width} positions", nameof(x));
        var patches = x.Conv2D(_patches, x.Tape.Input(_taps)).Reshape(x.Shape[0], 1, 1, -1);
        var y = patches.Conv2D(_positions, x.Tape.Use(_weight), x.Tape.Use(_bias)).Reshape(x.Shape[0], _height, _width, -1);
        return _activation.Kind == ActivationKind.None ? y : y.Activate(_activation);
    }
}
