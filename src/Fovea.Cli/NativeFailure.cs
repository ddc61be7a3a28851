namespace Fovea.Cli;

/// <summary>Turns failures of native libraries into a sentence instead of a stack trace.</summary>
internal static class NativeFailure
{
    /// <summary>The sentence, or null where the exception is of another kind.</summary>
    internal static string? Explain(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
                return $"a native library cannot be used: {e.Message}\nRun 'fovea doctor' for details.";
            if (e is DeviceException) return $"the device failed: {e.Message}\nRun 'fovea doctor' for details.";
        }
        return null;
    }
}
