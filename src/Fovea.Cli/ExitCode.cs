namespace Fovea.Cli;

/// <summary>Exit codes; <see cref="Help"/> is what <c>--help</c> says about them.</summary>
internal static class ExitCode
{
    internal const int Ok = 0;
    internal const int SomeFileFailed = 1;
    internal const int ConditionFailed = 1;
    internal const int BadUsage = 2;
    internal const int ModelUnavailable = 3;
    internal const int Internal = 4;
    internal const int Interrupted = 130; // as shells say it of a program that Ctrl-C ended

    internal const string Help = """
        Exit codes:
          0  everything worked
          1  some image or file failed; the others were processed, errors name the files.
             Of an experiment: its condition does not hold
          2  bad usage
          3  the model's weights are missing or corrupted
          4  internal error, or the native library cannot be used
          130  a training run was stopped before its end
        """;
}
