using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Training;

namespace Fovea.Models.Mtcnn;

/// <summary>The three networks of a cascade that is trained here, and their file.</summary>
public sealed class MtcnnNets : IDisposable
{
    private readonly DeviceStream _stream;

    /// <summary>Makes untrained networks.</summary>
    public MtcnnNets(Initializer init)
    {
        ArgumentNullException.ThrowIfNull(init);
        _stream = init.Stream;
        Proposal = TrainableMtcnnNet.Proposal(init);
        Refinement = TrainableMtcnnNet.Refinement(init);
        Output = TrainableMtcnnNet.Output(init);
    }

    /// <summary>P-Net.</summary>
    public TrainableMtcnnNet Proposal { get; }

    /// <summary>R-Net.</summary>
    public TrainableMtcnnNet Refinement { get; }

    /// <summary>O-Net.</summary>
    public TrainableMtcnnNet Output { get; }

    /// <summary>The parameters of all three.</summary>
    public IEnumerable<Parameter> Parameters => Proposal.Parameters.Concat(Refinement.Parameters).Concat(Output.Parameters);

    /// <summary>Waits for what changes the parameters, such as a step of training.</summary>
    public void Synchronize() => _stream.Synchronize();

    /// <summary>Reads networks that <see cref="Save"/> wrote.</summary>
    /// <exception cref="SafetensorsException">The file is damaged, or holds other tensors.</exception>
    public static MtcnnNets Load(DeviceStream stream, string path)
    {
        using var file = SafetensorsFile.Open(path);
        var nets = new MtcnnNets(Initializer.Undefined(stream));
        try
        {
            foreach (var parameter in nets.Parameters)
            {
                if (!file.Tensors.TryGetValue(parameter.Name, out var entry) || entry.DType != SafetensorsDType.F32 || !entry.Shape.SequenceEqual(parameter.Spec.Shape.ToArray()))
                    throw new SafetensorsException(path, $"there is no tensor {parameter}");
                parameter.Value.CopyFrom<float>(stream, file.ReadFloats(parameter.Name));
            }
            return nets;
        }
        catch
        {
            nets.Dispose();
            throw;
        }
    }

    /// <summary>Writes a safetensors file. Whenever the process stops, <paramref name="path"/> holds the old or the new networks, whole.</summary>
    public void Save(string path)
    {
        var writer = new SafetensorsWriter();
        foreach (var parameter in Parameters)
            writer.Add(parameter.Name, SafetensorsDType.F32, parameter.Spec.Shape, () => MemoryMarshal.AsBytes<float>(parameter.Value.ToArray<float>(_stream)).ToArray());
        writer.Save(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Proposal.Dispose();
        Refinement.Dispose();
        Output.Dispose();
    }
}
