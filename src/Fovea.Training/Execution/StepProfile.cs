namespace Fovea.Training;

/// <summary>What each operation of a tape costs, measured.</summary>
public sealed class StepProfile
{
    private readonly double[] _forwardMs, _backwardMs;
    private readonly long[] _forwardBytes, _backwardBytes;

    internal StepProfile(int operations)
    {
        _forwardMs = NaN(operations);
        _backwardMs = NaN(operations);
        _forwardBytes = new long[operations];
        _backwardBytes = new long[operations];
    }

    /// <summary>Guesses for a tape that has not run: time by bytes written, no workspaces.</summary>
    internal static StepProfile Nominal(Tape tape)
    {
        var profile = new StepProfile(tape.Count) { CastBytesPerMs = 1e6 };
        for (var i = 0; i < tape.Count; i++)
        {
            if (tape.Ops[i].IsView) continue;
            var ms = tape.Ops[i].Outputs.Sum(o => tape.Slots[o].Spec.Bytes) * 1e-6;
            profile.Add(TapeStep.Forward(i), ms, 0);
            profile.Add(TapeStep.Backward(i), 2 * ms, 0);
        }
        return profile;
    }

    /// <summary>Bytes of f32 that become bf16, or come from it, per millisecond.</summary>
    public double CastBytesPerMs { get; init; }

    /// <summary>Milliseconds of one forward run of an operation, the fastest measured; 0 for a view.</summary>
    public double ForwardMs(int op) => double.IsNaN(_forwardMs[op]) ? 0 : _forwardMs[op];

    /// <summary>Milliseconds of its backward run; 0 where there is none.</summary>
    public double BackwardMs(int op) => double.IsNaN(_backwardMs[op]) ? 0 : _backwardMs[op];

    /// <summary>Bytes of workspaces and packed weights while it runs forward.</summary>
    public long ForwardBytes(int op) => _forwardBytes[op];

    /// <summary>Bytes of workspaces, packed weights and contributions that are added to a gradient while it runs
    /// backward.</summary>
    public long BackwardBytes(int op) => _backwardBytes[op];

    internal void Add(TapeStep step, double milliseconds, long bytes)
    {
        var (ms, most) = step.Kind == TapeStepKind.Forward ? (_forwardMs, _forwardBytes) : (_backwardMs, _backwardBytes);
        ms[step.Index] = double.IsNaN(ms[step.Index]) ? milliseconds : Math.Min(ms[step.Index], milliseconds);
        most[step.Index] = Math.Max(most[step.Index], bytes);
    }

    private static double[] NaN(int count)
    {
        var values = new double[count];
        Array.Fill(values, double.NaN);
        return values;
    }
}
