namespace Fovea.Bench.Peers;

/// <summary>Peers were asked for and are not there; the message says how to get them.</summary>
public sealed class PeersNotBuiltException : Exception
{
    public PeersNotBuiltException()
    {
    }

    public PeersNotBuiltException(string message) : base(message)
    {
    }

    public PeersNotBuiltException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
