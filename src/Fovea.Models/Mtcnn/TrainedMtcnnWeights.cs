using Fovea.Training;

namespace Fovea.Models.Mtcnn;

/// <summary>The numbers of a network that was trained here, on images as they are: nothing is transposed.</summary>
internal sealed class TrainedMtcnnWeights(DeviceStream stream, TrainableMtcnnNet net) : MtcnnWeights
{
    private readonly Dictionary<string, Parameter> _parameters = net.Parameters.ToDictionary(p => p.Name);

    public override float[] Kernel(string layer, int outputs, int size, int inputs) => Floats(layer, "weight", outputs, size, size, inputs);

    public override float[] KernelBias(string layer, int outputs) => Floats(layer, "bias", outputs);

    public override float[] Slopes(string activation, int channels) => Floats(activation.ToLowerInvariant(), "weight", channels);

    public override float[] FromMap(string layer, int outputs, int size, int channels) => Floats(layer, "weight", outputs, size * size * channels);

    public override float[] Dense(string layer, int outputs, int features) => Floats(layer, "weight", outputs, features);

    public override float[] DenseBias(string layer, int outputs) => Floats(layer, "bias", outputs);

    private float[] Floats(string layer, string name, params ReadOnlySpan<long> shape)
    {
        var path = $"{layer.Replace('/', '.')}.{name}";
        if (!_parameters.TryGetValue(path, out var parameter) || !parameter.Spec.Shape.SequenceEqual(shape))
            throw new ArgumentException($"{net.Name} has no {path} [{string.Join(", ", shape.ToArray())}]: it is another network");
        return parameter.Value.ToArray<float>(stream);
    }
}
