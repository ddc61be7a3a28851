using Fovea.Data;

namespace Fovea.Models.Sequences;

/// <summary>Makes tensors and layers of a file's tensors; those whose names begin with a prefix. All of them go into
/// <paramref name="Owned"/>, so that a file that turns out to be wrong leaves nothing behind.</summary>
internal readonly record struct RwkvWeights(DeviceStream Stream, RwkvFile File, RwkvOptions Options, List<IDisposable> Owned, string Prefix = "")
{
    public RwkvWeights Below(string name) => this with { Prefix = $"{Prefix}{name}." };

    public float[] Floats(string name, long count) => File.ReadFloats(Prefix + name, count);

    /// <summary>A tensor as the file has it, under another shape.</summary>
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

    /// <summary>A matrix as the file has it, one row per output; a bias of any shape.</summary>
    public LinearLayer Linear(string name, int inputs, int outputs, Activation activation = default, string? bias = null)
    {
        var options = new LinearOptions { InFeatures = inputs, OutFeatures = outputs, Activation = activation };
        var layer = new LinearLayer(Stream, options, Floats(name, (long)inputs * outputs), bias is null ? [] : Floats(bias, outputs), []);
        Owned.Add(layer);
        return layer;
    }

    /// <summary>The number of outputs of a matrix, for sizes that only the file says.</summary>
    public int Outputs(string name, int inputs)
    {
        var tensor = File.Find(Prefix + name);
        if (tensor.Shape.Count != 2 || tensor.Shape[1] != inputs) throw File.Bad($"{tensor} should have {inputs} columns");
        return (int)tensor.Shape[0];
    }
}
