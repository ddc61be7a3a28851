using Fovea.Data;

namespace Fovea.Models.TextRecognition;

/// <summary>The weights of the recogniser by the names that the export gave them, with what is linear folded into the convolutions. Folding
/// is exact but for one rounding of each weight: it is computed in f64.</summary>
internal sealed class PpOcrWeights(OnnxWeights file)
{
    private const double NormEpsilon = 1e-5;

    /// <exception cref="InvalidDataException">There is no such constant, or it has another shape.</exception>
    public float[] Floats(string name, params ReadOnlySpan<long> shape) => file.Get(name, shape).ToFloats();

    public LearnedAffine Affine(string name) => new(Floats(name + ".w_0", 1)[0], Floats(name + ".w_1", 1)[0]);

    /// <summary>after(convolution(before(x))). <paramref name="before"/> may shift only where nothing is padded: padding comes behind it
    /// and is 0.</summary>
    /// <param name="number">The convolution's number in the file.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="inputs">Channels of the input that a filter sees: 1 if depthwise.</param>
    /// <param name="size">Side of the kernel; above 1 only if depthwise.</param>
    /// <param name="before">In front of it.</param>
    /// <param name="after">Behind it.</param>
    public (float[] Kernel, float[] Bias) Convolution(
        int number, int outputs, int inputs, int size, LearnedAffine before, LearnedAffine after)
    {
        var kernel = Floats($"conv2d_{number}.w_0", outputs, inputs, size, size);
        var bias = Floats($"conv2d_{number}.b_0", outputs);
        var filter = inputs * size * size;
        for (var o = 0; o < outputs; o++)
        {
            double sum = 0;
            foreach (ref var weight in kernel.AsSpan(o * filter, filter))
            {
                sum += weight;
                weight = (float)((double)weight * before.Scale * after.Scale);
            }
            bias[o] = (float)((bias[o] + sum * before.Shift) * after.Scale + after.Shift);
        }
        return (kernel, bias);
    }

    /// <summary>A convolution without bias and the batch norm behind it, which has <paramref name="norm"/> for a number.</summary>
    public Conv2DLayer Normalized(DeviceStream stream, in Conv2DOptions options, int number, int norm)
    {
        var (outputs, inputs, taps) = (options.OutChannels, options.InChannels, options.KernelHeight * options.KernelWidth);
        var kernel = Floats($"conv2d_{number}.w_0", outputs, inputs, options.KernelHeight, options.KernelWidth);
        float[] gamma = Floats($"batch_norm2d_{norm}.w_0", outputs), bias = Floats($"batch_norm2d_{norm}.b_0", outputs);
        float[] mean = Floats($"batch_norm2d_{norm}.w_1", outputs), variance = Floats($"batch_norm2d_{norm}.w_2", outputs);
        for (var o = 0; o < outputs; o++)
        {
            var scale = gamma[o] / Math.Sqrt(variance[o] + NormEpsilon);
            foreach (ref var weight in kernel.AsSpan(o * inputs * taps, inputs * taps)) weight = (float)(weight * scale);
            bias[o] = (float)(bias[o] - mean[o] * scale);
        }
        return new Conv2DLayer(stream, options, KernelLayout.InputsLast(kernel, inputs, taps), bias, []);
    }

    /// <summary>A 1x1 convolution with bias as a dense layer.</summary>
    public LinearLayer Pointwise(DeviceStream stream, int number, int inputs, int outputs, Activation activation)
    {
        var (kernel, bias) = Convolution(number, outputs, inputs, 1, LearnedAffine.Identity, LearnedAffine.Identity);
        return new LinearLayer(stream, Options(inputs, outputs, activation), kernel, bias, []);
    }

    /// <summary>Columns <paramref name="first"/> to first + <paramref name="outputs"/> of a dense layer, which is stored
    /// [in][<paramref name="columns"/>].</summary>
    public LinearLayer Dense(
        DeviceStream stream, int number, int inputs, int columns, int first, int outputs, Activation activation = default)
    {
        var kernel = KernelLayout.ChannelsFirst(Floats($"linear_{number}.w_0", inputs, columns), columns);
        var bias = Floats($"linear_{number}.b_0", columns);
        return new LinearLayer(
            stream, Options(inputs, outputs, activation), kernel.AsSpan(first * inputs, outputs * inputs), bias.AsSpan(first, outputs), []);
    }

    private static LinearOptions Options(int inputs, int outputs, Activation activation) =>
        new() { InFeatures = inputs, OutFeatures = outputs, Activation = activation };
}
