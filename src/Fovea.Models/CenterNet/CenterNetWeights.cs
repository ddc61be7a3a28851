namespace Fovea.Models.CenterNet;

/// <summary>A weight of TensorFlow's layout by its name and the shape it must have.</summary>
/// <exception cref="InvalidDataException">It is missing or has another shape.</exception>
internal delegate float[] WeightReader(string name, params ReadOnlySpan<int> shape);

/// <summary>Makes layers of the weights of the graph <c>tower_0</c>. The converter folded batch normalisation into convolutions: their weights
/// are named after the node (<c>..._weights</c>, <c>..._bn_offset</c>). What it left alone has the variable's name, without the tower.</summary>
/// <remarks>
/// The file's 16-bit floats hold the 1/6 of hard swish and hard sigmoid as 0.16662598, that is <see cref="Sixth"/> of a sixth. The kernels
/// compute with 1/6, so this factor goes into the weights that follow. It has 12 bits and they have 11: the product is exact in f32.
/// </remarks>
internal sealed class CenterNetWeights(DeviceStream stream, WeightReader read)
{
    /// <summary>0.1666259765625 * 6, exactly.</summary>
    public const float Sixth = 4095 / 4096f;

    public static Activation HardSigmoid => Activation.HardSigmoid(1 / 6f, 0.5f);

    /// <summary>A convolution with folded batch normalisation.</summary>
    public Conv2DLayer Convolution(
        string name, int inputs, int outputs, Activation activation, int kernel = 1, int stride = 1, float scale = 1) => new(
        stream, new Conv2DOptions(inputs, outputs, kernel) { Activation = activation }.Same(stride),
        Kernel($"tower_0/{name}/Conv2D_weights", kernel, inputs, outputs, scale), read($"tower_0/{name}/Conv2D_bn_offset", outputs), []);

    /// <summary>A depthwise convolution with folded batch normalisation.</summary>
    public Conv2DLayer Depthwise(string name, int channels, int kernel, int stride, Activation activation, float scale) => new(
        stream, Depthwise(channels, kernel, stride, activation),
        DepthwiseKernel($"tower_0/{name}/depthwise_weights", channels, kernel, scale), read($"tower_0/{name}/depthwise_bn_offset", channels), []);

    /// <summary>The depthwise and the last convolution of a block in one pass.</summary>
    public SeparableConv2DLayer DepthwiseAndProject(
        string name, int channels, int outputs, int kernel, int stride, Activation between, float depthwiseScale, float projectScale) => new(
        stream,
        new SeparableConv2DOptions { Depthwise = Depthwise(channels, kernel, stride, between), OutChannels = outputs },
        DepthwiseKernel($"tower_0/{name}/depthwise/depthwise_weights", channels, kernel, depthwiseScale),
        read($"tower_0/{name}/depthwise/depthwise_bn_offset", channels),
        Kernel($"tower_0/{name}/project/Conv2D_weights", 1, channels, outputs, projectScale), read($"tower_0/{name}/project/Conv2D_bn_offset", outputs));

    /// <summary>A separable convolution of the head: nothing between its two parts.</summary>
    public SeparableConv2DLayer Separable(string name, int inputs, int outputs, int kernel, Activation activation, float scale = 1) => new(
        stream, Head(inputs, outputs, kernel, activation),
        DepthwiseKernel($"{name}/depthwise_weights", inputs, kernel, scale), new float[inputs],
        Kernel($"tower_0/{name}/separable_conv2d_weights", 1, inputs, outputs), read($"tower_0/{name}/separable_conv2d_bn_offset", outputs));

    /// <summary>A separable convolution without normalisation, whose result is multiplied by <paramref name="scale"/>.</summary>
    public SeparableConv2DLayer Output(string name, int inputs, int outputs, Activation activation, float scale = 1) => new(
        stream, Head(inputs, outputs, 3, activation),
        DepthwiseKernel($"{name}/depthwise_weights", inputs, 3), new float[inputs],
        Kernel($"{name}/pointwise_weights", 1, inputs, outputs, scale), Scaled(read($"{name}/biases", outputs), scale));

    /// <summary>A 1x1 convolution of a map of one cell.</summary>
    /// <param name="weights">Name of the weights.</param>
    /// <param name="bias">Name of the bias; null for none.</param>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="activation">Behind the bias.</param>
    /// <param name="scale">Of the weights.</param>
    public LinearLayer Linear(string weights, string? bias, int inputs, int outputs, Activation activation, float scale = 1) => new(
        stream, new LinearOptions { InFeatures = inputs, OutFeatures = outputs, Activation = activation },
        Kernel(weights, 1, inputs, outputs, scale), bias is null ? [] : read(bias, outputs), []);

    private static Conv2DOptions Depthwise(int channels, int kernel, int stride, Activation activation) =>
        new Conv2DOptions(channels, channels, kernel) { Groups = channels, Activation = activation }.Same(stride);

    private static SeparableConv2DOptions Head(int inputs, int outputs, int kernel, Activation activation) =>
        new() { Depthwise = Depthwise(inputs, kernel, 1, Activation.None), OutChannels = outputs, Activation = activation };

    private static float[] Scaled(float[] values, float scale) => scale == 1 ? values : Array.ConvertAll(values, v => v * scale);

    private float[] Kernel(string name, int size, int inputs, int outputs, float scale = 1) =>
        Scaled(KernelLayout.ChannelsFirst(read(name, size, size, inputs, outputs), outputs), scale);

    private float[] DepthwiseKernel(string name, int channels, int size, float scale = 1) =>
        Scaled(KernelLayout.ChannelsFirst(read(name, size, size, channels, 1), channels), scale);
}
