namespace Fovea.Data;

/// <summary>A tf.Example is malformed, or is not what the parser was told to expect; the message names record and
/// feature.</summary>
public sealed class ExampleException : FormatException
{
    /// <summary>Creates the exception.</summary>
    public ExampleException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}
