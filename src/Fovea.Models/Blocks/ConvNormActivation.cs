using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>activation(normalisation(convolution(x))): what convolutional networks are made of.</summary>
public sealed class ConvNormActivation : Module
{
    private readonly Conv2DOptions _options;
    private readonly Activation _activation;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly Module? _normalization;

    /// <summary>Makes the layer.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the convolution.</param>
    /// <param name="options">The convolution; its activation is not looked at.</param>
    /// <param name="style">Normalisation and activation.</param>
    /// <param name="normName">Path of the normalisation; null: "norm" below the convolution.</param>
    /// <param name="initialWeights">How the weights begin.</param>
    public ConvNormActivation(Initializer init, string name, in Conv2DOptions options, ConvStyle style, string? normName = null,
        InitialWeights initialWeights = InitialWeights.HeNormal) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        (_options, _activation) = (options with { Activation = Activation.None }, style.Activation);
        var channels = options.OutChannels;
        ReadOnlySpan<long> shape = [channels, options.KernelHeight, options.KernelWidth, options.InChannels / options.Groups];
        _weight = Add("weight", initialWeights switch
        {
            InitialWeights.HeNormal => init.HeNormal(fanOut: true, shape),
            InitialWeights.LecunUniform => init.LecunUniform(shape),
            _ => init.Normal(0.01f, shape),
        });
        if (style.HasBias || style.Normalization == Normalization.None) _bias = Add("bias", init.Constant(0, channels), decays: false);
        if (style.CreateNormalization(init, normName ?? $"{name}.norm", channels) is { } normalization) _normalization = Add(normalization);
    }

    /// <summary>A square convolution that keeps the size, but for its stride.</summary>
    public static ConvNormActivation Same(Initializer init, string name, int inChannels, int outChannels, int kernel, ConvStyle style,
        int stride = 1, int groups = 1, string? normName = null, InitialWeights initialWeights = InitialWeights.HeNormal) => new(init, name,
            new Conv2DOptions(inChannels, outChannels, kernel) { Stride = stride, Padding = kernel / 2, Groups = groups }, style, normName, initialWeights);

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var y = x.Conv2D(_options, tape.Use(_weight), _bias is null ? default : tape.Use(_bias));
        if (_normalization is not null) y = _normalization.Forward(y);
        return _activation.Kind == ActivationKind.None ? y : y.Activate(_activation);
    }
}
