namespace Fovea.Models.Sequences.Transformers;

/// <summary>First values of parameters, drawn in the order of construction: equal seeds give equal models.</summary>
/// <param name="stream">Where the parameters are allocated.</param>
/// <param name="seed">Start of the random numbers.</param>
public sealed class ParameterInitializer(DeviceStream stream, int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Where the parameters are allocated.</summary>
    public DeviceStream Stream { get; } = stream ?? throw new ArgumentNullException(nameof(stream));

    /// <summary>Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio, 2010): [out][in].</summary>
    public DeviceTensor Xavier(int outFeatures, int inFeatures)
    {
        var limit = MathF.Sqrt(6f / (inFeatures + outFeatures));
        var values = new float[checked(outFeatures * inFeatures)];
        foreach (ref var value in values.AsSpan()) value = limit * (2 * _random.NextSingle() - 1);
        return DeviceTensor.From<float>(Stream, values, outFeatures, inFeatures);
    }

    /// <summary>Normal numbers with this deviation (Box and Muller): [rows][columns].</summary>
    public DeviceTensor Normal(float deviation, int rows, int columns)
    {
        var values = new float[checked(rows * columns)];
        foreach (ref var value in values.AsSpan())
            value = deviation * MathF.Sqrt(-2 * MathF.Log(1 - _random.NextSingle())) * MathF.Cos(2 * MathF.PI * _random.NextSingle());
        return DeviceTensor.From<float>(Stream, values, rows, columns);
    }

    /// <summary>The same number <paramref name="count"/> times.</summary>
    public DeviceTensor Constant(float value, int count)
    {
        var values = new float[count];
        values.AsSpan().Fill(value);
        return DeviceTensor.From<float>(Stream, values, count);
    }
}
