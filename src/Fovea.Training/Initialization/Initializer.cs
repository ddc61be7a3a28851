namespace Fovea.Training;

/// <summary>Makes the first values of parameters. An element depends on the seed, on how many tensors were made before and on its index
/// alone, so equal models from equal seeds have equal bits. Weights are [out][kh][kw][in/groups] or [out][in].</summary>
public sealed class Initializer
{
    private const int Chunk = 1 << 16; // elements that wait on the host at a time; a multiple of four

    private readonly ulong? _seed; // null: memory is left as it is
    private ulong _tensors;

    /// <summary>Draws from the numbers of a seed.</summary>
    /// <param name="stream">Whose pool holds the parameters.</param>
    /// <param name="seed">Which numbers.</param>
    public Initializer(DeviceStream stream, long seed) : this(stream, (ulong?)seed)
    {
    }

    private Initializer(DeviceStream stream, ulong? seed)
    {
        ArgumentNullException.ThrowIfNull(stream);
        (Stream, _seed) = (stream, seed);
    }

    /// <summary>Whose pool holds the parameters.</summary>
    public DeviceStream Stream { get; }

    /// <summary>Allocates and writes nothing: for weights that are loaded, or only counted. The CPU gives memory when it is first
    /// touched, so counting costs address space alone.</summary>
    public static Initializer Undefined(DeviceStream stream) => new(stream, seed: null);

    /// <summary>The same number everywhere.</summary>
    public DeviceTensor Constant(float value, params ReadOnlySpan<long> shape)
    {
        var tensor = DeviceTensor.Allocate(Stream, DType.Float32, shape);
        if (_seed is null || tensor.ElementCount == 0) return tensor;
        tensor.Fill(Stream, 0);
        if (value != 0) Kernels.Affine(Stream, 0, value, tensor, tensor);
        return tensor;
    }

    /// <summary>Normal numbers of mean 0.</summary>
    public DeviceTensor Normal(float deviation, params ReadOnlySpan<long> shape) => Draw(shape, deviation, Normals);

    /// <summary>Even numbers in (-<paramref name="bound"/>, <paramref name="bound"/>).</summary>
    public DeviceTensor Uniform(float bound, params ReadOnlySpan<long> shape) => Draw(shape, bound, Uniforms);

    /// <summary>Normal numbers that keep the variance of what flows forward, or backward by <paramref name="fanOut"/>, through a layer
    /// with ReLU (He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015): deviation sqrt(2/fan).</summary>
    public DeviceTensor HeNormal(bool fanOut, params ReadOnlySpan<long> shape) => Normal(MathF.Sqrt(2f / (fanOut ? FanOut(shape) : FanIn(shape))), shape);

    /// <summary>Even numbers below sqrt(3/fan in): the variance of what flows forward stays without an activation.</summary>
    public DeviceTensor LecunUniform(params ReadOnlySpan<long> shape) => Uniform(MathF.Sqrt(3f / FanIn(shape)), shape);

    /// <summary>Even numbers below sqrt(6/(fan in + fan out)) (Glorot, Bengio, 2010).</summary>
    public DeviceTensor XavierUniform(params ReadOnlySpan<long> shape) => Uniform(MathF.Sqrt(6f / (FanIn(shape) + FanOut(shape))), shape);

    private static long FanIn(ReadOnlySpan<long> shape) => Product(shape[1..]);

    private static long FanOut(ReadOnlySpan<long> shape) => Product(shape[..^1]);

    private static long Product(ReadOnlySpan<long> sizes)
    {
        long product = 1;
        foreach (var size in sizes) product *= size;
        return product;
    }

    private DeviceTensor Draw(ReadOnlySpan<long> shape, float scale, Func<(uint, uint, uint, uint), (float, float, float, float)> distribution)
    {
        var tensor = DeviceTensor.Allocate(Stream, DType.Float32, shape);
        var number = _tensors++;
        if (_seed is not { } seed) return tensor;
        var (flat, count) = (tensor.Reshape(-1L), tensor.ElementCount);
        var values = new float[Math.Min(Chunk, (count + 3) / 4 * 4)];
        for (long start = 0; start < count; start += Chunk)
        {
            for (var i = 0; i < values.Length; i += 4)
            {
                var (a, b, c, d) = distribution(Philox.Block((ulong)(start + i) / 4, number, seed));
                (values[i], values[i + 1], values[i + 2], values[i + 3]) = (scale * a, scale * b, scale * c, scale * d);
            }
            var room = Math.Min(Chunk, count - start);
            flat.Rows(start, room).CopyFrom<float>(Stream, values.AsSpan(0, (int)room));
        }
        return tensor;
    }

    private static (float, float, float, float) Uniforms((uint A, uint B, uint C, uint D) bits) =>
        ((float)(2 * Unit(bits.A) - 1), (float)(2 * Unit(bits.B) - 1), (float)(2 * Unit(bits.C) - 1), (float)(2 * Unit(bits.D) - 1));

    private static (float, float, float, float) Normals((uint A, uint B, uint C, uint D) bits)
    {
        var ((a, b), (c, d)) = (Pair(bits.A, bits.B), Pair(bits.C, bits.D));
        return (a, b, c, d);
    }

    // Box and Muller, 1958.
    private static (float, float) Pair(uint a, uint b)
    {
        var radius = Math.Sqrt(-2 * Math.Log(Unit(a)));
        var (sin, cos) = Math.SinCos(2 * Math.PI * Unit(b));
        return ((float)(radius * cos), (float)(radius * sin));
    }

    // The middles of 2^32 intervals: neither 0 nor 1.
    private static double Unit(uint bits) => (bits + 0.5) * (1.0 / 4294967296.0);
}
