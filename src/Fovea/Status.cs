namespace Fovea;

/// <summary>How a native call ended. The numbers are those of the C ABI.</summary>
public enum Status
{
    /// <summary>The call succeeded.</summary>
    Ok = 0,

    /// <summary>The arguments can never work; the message names them.</summary>
    InvalidArgument = 1,

    /// <summary>Well formed, but this backend or build has no kernel for it.</summary>
    Unsupported = 2,

    /// <summary>Memory is exhausted.</summary>
    OutOfMemory = 3,

    /// <summary>The call does not fit the object's state, for example a stream used by two threads.</summary>
    InvalidState = 4,

    /// <summary>No such device, plug-in or symbol.</summary>
    NotFound = 5,

    /// <summary>The device failed; every later call on it fails with the first cause.</summary>
    DeviceLost = 6,

    /// <summary>A bug in Fovea.</summary>
    Internal = 7,
}
