namespace Fovea.Bench.Workloads.Network;

/// <summary>A map of one image.</summary>
public sealed record NetworkShape(int Height, int Width, int Channels)
{
    public long Count => (long)Height * Width * Channels;
}
