namespace Fovea;

/// <summary>What every prepare call shares.</summary>
internal static class PreparedWeights
{
    /// <summary>Allocates the packed form, fills it, and gives it back when that fails.</summary>
    public static DeviceTensor Pack(DeviceStream stream, long bytes, Action<DeviceTensor> pack)
    {
        var prepared = DeviceTensor.Allocate(stream, DType.UInt8, bytes);
        try
        {
            pack(prepared);
            return prepared;
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
    }
}
