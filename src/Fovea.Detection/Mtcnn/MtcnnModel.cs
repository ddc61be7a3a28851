using Fovea.Data;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection;

/// <summary>The weights of the three MTCNN networks on one device. Immutable and safe for any number of threads; each thread
/// makes its own <see cref="MtcnnSession"/>.</summary>
public sealed class MtcnnModel : IDisposable
{
    private readonly DeviceStream _stream;

    private MtcnnModel(Device device, TfliteModel pnet, TfliteModel rnet, TfliteModel onet)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Proposal = new ProposalNet(_stream, pnet);
            Refinement = new RefinementNet(_stream, rnet);
            Output = new OutputNet(_stream, onet);
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
        return new MtcnnModel(
            device,
            store.LoadTflite("mtcnn", "pnet.tflite"),
            store.LoadTflite("mtcnn", "rnet.tflite"),
            store.LoadTflite("mtcnn", "onet.tflite"));
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
