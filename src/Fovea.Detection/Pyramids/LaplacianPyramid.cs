namespace Fovea.Detection.Pyramids;

/// <summary>Gaussian and Laplacian pyramids with the five taps [1 4 6 4 1]/16 (Burt and Adelson, "The Laplacian Pyramid as a Compact Image
/// Code", 1983). Images are f32 [N][H][W][C]; a level has half the size of the one before, rounded up.</summary>
/// <remarks>Near a border the taps that lie outside are left out and the others weigh more, so that a constant stays one. The first image
/// of a size makes tables; later ones of that size can be captured.</remarks>
public sealed class LaplacianPyramid : IDisposable
{
    private const int Taps = 5, Radius = Taps / 2;

    private static readonly double[] Kernel = [1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0];

    private readonly Conv2DOptions _options;
    private readonly DeviceTensor _reduce, _expand;
    private readonly Dictionary<(long Height, long Width, bool Expands), DeviceTensor> _borders = [];

    /// <summary>Prepares the filters for images of <paramref name="channels"/> channels.</summary>
    public LaplacianPyramid(DeviceStream stream, int channels)
    {
        _options = new Conv2DOptions(channels, channels, Taps) { Stride = 2, Padding = Radius, Groups = channels };
        var filter = new float[channels * Taps * Taps];
        for (var i = 0; i < filter.Length; i++) filter[i] = (float)(Kernel[i / Taps % Taps] * Kernel[i % Taps]);
        using var weights = DeviceTensor.From<float>(stream, filter, channels, Taps, Taps, 1);
        _reduce = Kernels.PrepareConv2D(stream, _options, weights);
        // Of the samples between which zeros are put, a quarter is not zero.
        Kernels.Affine(stream, 4, 0, weights, weights);
        _expand = Kernels.PrepareConvTranspose2D(stream, Expansion(0, 0), weights);
    }

    /// <summary>Smooths and takes every second pixel.</summary>
    public DeviceTensor Reduce(DeviceStream stream, DeviceTensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (height, width) = _options.OutputSize(x.Shape[1], x.Shape[2]);
        var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], height, width, x.Shape[3]);
        Kernels.Conv2D(stream, _options, x, _reduce, bias: null, slope: null, residual: null, y);
        return Weigh(stream, y, x.Shape[1], x.Shape[2], expands: false);
    }

    /// <summary>Puts zeros between pixels and smooths: the way back to a size of which <paramref name="x"/> is half.</summary>
    public DeviceTensor Expand(DeviceStream stream, DeviceTensor x, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (rows, columns) = (height - 2 * x.Shape[1] + 1, width - 2 * x.Shape[2] + 1);
        if (rows is not (0 or 1) || columns is not (0 or 1)) throw new ArgumentException($"{x} is not half of {height} by {width}", nameof(x));
        var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], height, width, x.Shape[3]);
        Kernels.ConvTranspose2D(stream, Expansion((int)rows, (int)columns), x, _expand, bias: null, slope: null, y);
        return Weigh(stream, y, x.Shape[1], x.Shape[2], expands: true);
    }

    /// <summary>The image and what <see cref="Reduce"/> makes of it, <paramref name="levels"/> in all. The first is a view of
    /// <paramref name="image"/>; the caller disposes the others.</summary>
    public DeviceTensor[] Gaussian(DeviceStream stream, DeviceTensor image, int levels)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 1);
        var pyramid = new DeviceTensor[levels];
        pyramid[0] = image.Reshape(image.Shape);
        for (var i = 1; i < levels; i++) pyramid[i] = Reduce(stream, pyramid[i - 1]);
        return pyramid;
    }

    /// <summary>What each level of the Gaussian pyramid has that the next one lacks, and the last level itself. The caller disposes all of
    /// them.</summary>
    public DeviceTensor[] Laplacian(DeviceStream stream, DeviceTensor image, int levels)
    {
        var gaussian = Gaussian(stream, image, levels);
        for (var i = 0; i < levels - 1; i++)
        {
            using var level = gaussian[i];
            var difference = Expand(stream, gaussian[i + 1], level.Shape[1], level.Shape[2]);
            Kernels.Binary(stream, BinaryOp.Sub, level, difference, difference);
            gaussian[i] = difference;
        }
        if (levels > 1) return gaussian;
        var copy = DeviceTensor.Allocate(stream, DType.Float32, image.Shape);
        Kernels.Copy(stream, image, copy);
        return [copy];
    }

    /// <summary>The image of a Laplacian pyramid, but for the rounding of one difference and one sum per level.</summary>
    public DeviceTensor Reconstruct(DeviceStream stream, ReadOnlySpan<DeviceTensor> laplacian)
    {
        var image = DeviceTensor.Allocate(stream, DType.Float32, laplacian[^1].Shape);
        Kernels.Copy(stream, laplacian[^1], image);
        for (var i = laplacian.Length - 2; i >= 0; i--)
        {
            using var coarser = image;
            image = Expand(stream, coarser, laplacian[i].Shape[1], laplacian[i].Shape[2]);
            Kernels.Binary(stream, BinaryOp.Add, laplacian[i], image, image);
        }
        return image;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reduce.Dispose();
        _expand.Dispose();
        foreach (var table in _borders.Values) table.Dispose();
    }

    private ConvTranspose2DOptions Expansion(int rows, int columns) => new() { Conv = _options, OutputPadHeight = rows, OutputPadWidth = columns };

    // Divides by the sum of the taps that lay inside the source, [1][height][width][1].
    private DeviceTensor Weigh(DeviceStream stream, DeviceTensor y, long sourceHeight, long sourceWidth, bool expands)
    {
        var (height, width) = (y.Shape[1], y.Shape[2]);
        if (!_borders.TryGetValue((expands ? height : sourceHeight, expands ? width : sourceWidth, expands), out var table))
        {
            var (rows, columns) = (Sums(height, sourceHeight, expands), Sums(width, sourceWidth, expands));
            var values = new float[height * width];
            for (var i = 0; i < values.Length; i++) values[i] = (float)(1 / (rows[i / width] * columns[i % width]));
            table = DeviceTensor.From<float>(stream, values, 1, height, width, 1);
            _borders.Add((expands ? height : sourceHeight, expands ? width : sourceWidth, expands), table);
        }
        Kernels.Binary(stream, BinaryOp.Mul, y, table, y);
        return y;
    }

    private static double[] Sums(long size, long sourceSize, bool expands)
    {
        var sums = new double[size];
        for (var i = 0; i < size; i++)
        {
            for (var tap = -Radius; tap <= Radius; tap++)
            {
                var source = expands ? i + tap : 2 * i + tap; // twice the index where zeros lie between
                if (expands && source % 2 != 0) continue;
                if (expands) source /= 2;
                if (source >= 0 && source < sourceSize) sums[i] += (expands ? 2 : 1) * Kernel[tap + Radius];
            }
        }
        return sums;
    }
}
