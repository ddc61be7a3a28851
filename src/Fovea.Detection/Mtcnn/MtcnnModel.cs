using Fovea.Data;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection;

/// <summary>The weights of the three MTCNN networks on one device. Immutable and safe for any number of threads; each thread
/// makes its own <see cref="MtcnnSession"/>.</summary>
public sealed class MtcnnModel : IDisposable
{
    private readonly DeviceStream _stream;

    private MtcnnModel(Device device, Func<DeviceStream, ProposalNet> pnet, Func<DeviceStream, RefinementNet> rnet, Func<DeviceStream, OutputNet> onet)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Proposal = pnet(_stream);
            Refinement = rnet(_stream);
            Output = onet(_stream);
            _stream.Synchronize();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The device that holds the weights.</summary>
    public Device Device { get; }

    internal ProposalNet Proposal { get; } = null!;

    internal RefinementNet Refinement { get; } = null!;

    internal OutputNet Output { get; } = null!;

    /// <summary>Loads the weights that <c>build/models.sh</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static MtcnnModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        var (pnet, rnet, onet) = (store.LoadTflite("mtcnn", "pnet.tflite"), store.LoadTflite("mtcnn", "rnet.tflite"), store.LoadTflite("mtcnn", "onet.tflite"));
        return new MtcnnModel(device, s => new ProposalNet(s, pnet), s => new RefinementNet(s, rnet), s => new OutputNet(s, onet));
    }

    /// <summary>Takes the present weights of networks that are trained here, on the same device; later changes of them do not
    /// matter.</summary>
    public static MtcnnModel From(Device device, MtcnnNets nets)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(nets);
        nets.Synchronize();
        return new MtcnnModel(device, s => new ProposalNet(s, nets.Proposal), s => new RefinementNet(s, nets.Refinement), s => new OutputNet(s, nets.Output));
    }

    /// <summary>Loads networks that <see cref="MtcnnNets.Save"/> wrote.</summary>
    /// <exception cref="SafetensorsException">The file is damaged, or holds other tensors.</exception>
    public static MtcnnModel Load(Device device, string path)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var stream = device.CreateStream();
        using var nets = MtcnnNets.Load(stream, path);
        return From(device, nets);
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        Proposal?.Dispose();
        Refinement?.Dispose();
        Output?.Dispose();
        _stream.Dispose();
    }
}
