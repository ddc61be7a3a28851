namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Makes tensors and layers of named values; those whose names begin with a prefix. All of them go into
/// <paramref name="Owned"/>, so that a file that turns out to be wrong leaves nothing behind.</summary>
/// <param name="Stream">Where they are made.</param>
/// <param name="Options">The model's shape.</param>
/// <param name="Read">The values of a name, which must be this many.</param>
/// <param name="Owned">What is made.</param>
/// <param name="Prefix">Of all names.</param>
/// <param name="Format">How matrices are stored.</param>
internal readonly record struct RwkvWeights(DeviceStream Stream, RwkvOptions Options, Func<string, long, float[]> Read, List<IDisposable> Owned, string Prefix = "",
    WeightFormat Format = WeightFormat.Float32)
{
    public RwkvWeights Below(string name) => this with { Prefix = $"{Prefix}{name}." };

    public float[] Floats(string name, long count) => Read(Prefix + name, count);

    /// <summary>A tensor as it is, under another shape.</summary>
    public DeviceTensor Tensor(string name, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape) count *= size;
        return Tensor(Floats(name, count), shape);
    }

    /// <summary>A tensor of values.</summary>
    public DeviceTensor Tensor(float[] values, params ReadOnlySpan<long> shape)
    {
        var tensor = DeviceTensor.From<float>(Stream, values, shape);
        Owned.Add(tensor);
        return tensor;
    }

    /// <summary>A matrix as it is, one row per output; a bias of any shape.</summary>
    public LinearLayer Linear(string name, int inputs, int outputs, Activation activation = default, string? bias = null)
    {
        var options = new LinearOptions { InFeatures = inputs, OutFeatures = outputs, Activation = activation, Weights = Format };
        var layer = new LinearLayer(Stream, options, Floats(name, (long)inputs * outputs), bias is null ? [] : Floats(bias, outputs), []);
        Owned.Add(layer);
        return layer;
    }
}
