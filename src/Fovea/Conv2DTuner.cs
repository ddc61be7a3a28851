using System.Diagnostics;

namespace Fovea;

/// <summary>The measured override of the convolution's cost model: times every algorithm that a layer can use on the shape at hand.
/// Results then depend on the machine that measured, which the cost model's never do.</summary>
public static class Conv2DTuner
{
    private static readonly Conv2DAlgorithm[] Candidates = [Conv2DAlgorithm.Direct, Conv2DAlgorithm.Winograd2X2, Conv2DAlgorithm.Winograd4X4];

    /// <summary>The options with the fastest algorithm for an input [batch][height][width][in].</summary>
    /// <param name="stream">Where the trials run; must not be capturing.</param>
    /// <param name="options">The layer. <see cref="Conv2DOptions.AllowWinograd"/> false leaves only the direct sum.</param>
    /// <param name="batch">Images per call.</param>
    /// <param name="height">Rows of x.</param>
    /// <param name="width">Columns of x.</param>
    /// <param name="repeats">Timed calls per algorithm; the fastest counts.</param>
    public static Conv2DOptions Fastest(DeviceStream stream, in Conv2DOptions options, long batch, long height, long width, int repeats = 5)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(repeats);
        var (outHeight, outWidth) = options.OutputSize(height, width);
        using var x = DeviceTensor.Allocate(stream, DType.Float32, batch, height, width, options.InChannels);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, batch, outHeight, outWidth, options.OutChannels);
        using var weights = DeviceTensor.Allocate(stream, DType.Float32, options.OutChannels, options.KernelHeight, options.KernelWidth, options.InChannels / options.Groups);
        // Denormal or infinite left-overs in fresh memory would distort the times.
        foreach (var tensor in (DeviceTensor[])[x, weights]) tensor.CopyFrom(stream, new float[tensor.ElementCount]);
        var best = options with { Algorithm = Conv2DAlgorithm.Direct };
        double least = double.PositiveInfinity;
        foreach (var algorithm in Candidates)
        {
            var candidate = options with { Algorithm = algorithm, Activation = Activation.None };
            if (!CanUse(candidate)) continue;
            using var prepared = Kernels.PrepareConv2D(stream, candidate, weights);
            double seconds = Time(stream, candidate, x, prepared, y, repeats);
            if (seconds >= least) continue;
            (least, best) = (seconds, options with { Algorithm = algorithm });
        }
        return best;
    }

    private static bool CanUse(in Conv2DOptions options) => options.Algorithm == Conv2DAlgorithm.Direct
        || (options is { AllowWinograd: true, KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1, Groups: 1 }
            && options.DilationHeight == options.DilationWidth);

    private static double Time(DeviceStream stream, in Conv2DOptions options, DeviceTensor x, DeviceTensor prepared, DeviceTensor y, int repeats)
    {
        double least = double.PositiveInfinity;
        // One more than asked for: the first brings weights and code into the caches.
        for (int i = 0; i <= repeats; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Kernels.Conv2D(stream, options, x, prepared, null, null, null, y);
            stream.Synchronize();
            if (i > 0) least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return least;
    }
}
