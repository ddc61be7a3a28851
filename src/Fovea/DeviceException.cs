namespace Fovea;

/// <summary>The native library refused or failed a call. The message is the library's own sentence.</summary>
public class DeviceException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DeviceException(Status status, string operation, string message) : base(message)
    {
        Status = status;
        Operation = operation;
    }

    /// <summary>Creates the exception without an operation.</summary>
    public DeviceException(string message) : this(Status.Internal, "", message)
    {
    }

    /// <summary>Creates the exception with a cause.</summary>
    public DeviceException(string message, Exception innerException) : base(message, innerException)
    {
        Status = Status.Internal;
        Operation = "";
    }

    /// <summary>Creates an empty exception.</summary>
    public DeviceException() : this("the device failed")
    {
    }

    /// <summary>What kind of failure it was.</summary>
    public Status Status { get; }

    /// <summary>The operation that failed, for example "conv2d".</summary>
    public string Operation { get; }
}
