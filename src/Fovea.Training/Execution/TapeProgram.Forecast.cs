using System.Diagnostics;

namespace Fovea.Training;

public sealed partial class TapeProgram
{
    /// <summary>Runs <paramref name="runs"/> times, measuring each operation. Nothing is learned from it: parameter gradients are
    /// cleared before and after, running statistics are not written, hooks are not called.</summary>
    public StepProfile Profile(int runs = 2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        var profile = new StepProfile(Tape.Count) { CastBytesPerMs = CastBytesPerMs() };
        _measure = new StepMeasure(Stream, profile);
        try
        {
            for (var i = 0; i < runs; i++)
            {
                ClearGradients();
                Run();
            }
        }
        finally
        {
            _measure = null;
            ClearGradients();
            Clear();
        }
        return profile;
    }

    // Measured on a tensor of the size of the largest result, which fits wherever the program does.
    private double CastBytesPerMs()
    {
        var count = 1L;
        foreach (var slot in Tape.Slots)
            if (slot is { Producer: >= 0, Spec.DType: DType.Float32 }) count = Math.Max(count, slot.Spec.ElementCount);
        using var wide = DeviceTensor.Allocate(Stream, DType.Float32, count);
        using var narrow = DeviceTensor.Allocate(Stream, DType.BFloat16, count);
        wide.Fill(Stream, 0);
        var milliseconds = double.PositiveInfinity;
        for (var i = 0; i < 3; i++)
        {
            Stream.Synchronize();
            var start = Stopwatch.GetTimestamp();
            Kernels.Copy(Stream, wide, narrow);
            Stream.Synchronize();
            milliseconds = Math.Min(milliseconds, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return count * sizeof(float) / milliseconds;
    }

    private void ClearGradients()
    {
        foreach (var parameter in Tape.Parameters) parameter.ClearGradient();
    }

    /// <summary>Walks the steps as a run does, counting blocks instead of allocating them.</summary>
    public StepForecast Forecast(StepProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        var inMemory = new bool[_tensors.Length];
        var narrow = new bool[_tensors.Length];
        long live = 0, peak = 0;
        double milliseconds = 0, again = 0;
        foreach (var step in _steps)
        {
            var (kind, index) = step.Step;
            long transient = 0;
            switch (kind)
            {
                case TapeStepKind.Forward:
                    foreach (var output in Tape.Ops[index].Outputs) Begin(output);
                    transient = profile.ForwardBytes(index);
                    milliseconds += profile.ForwardMs(index);
                    if (step.IsAgain) again += profile.ForwardMs(index);
                    break;
                case TapeStepKind.Backward:
                    foreach (var root in step.NewGradients)
                        if (Tape.Slots[root].Parameter is null) live += Granted(root);
                    transient = profile.BackwardBytes(index);
                    milliseconds += profile.BackwardMs(index);
                    break;
                case TapeStepKind.Prefetch:
                    Begin(index);
                    break;
                case TapeStepKind.Narrow:
                    live += Narrow(index);
                    narrow[index] = true;
                    break;
                case TapeStepKind.Widen:
                    Begin(index);
                    break;
            }
            peak = Math.Max(peak, live + transient);
            if (kind == TapeStepKind.Widen && narrow[index]) (narrow[index], live) = (false, live - Narrow(index));
            foreach (var root in step.Dead) End(root);
            foreach (var root in step.DeadGradients)
                if (root != Tape.Slots[_loss.Slot].Root) live -= Granted(root);
        }
        return new StepForecast(peak, milliseconds, again);

        void Begin(int root)
        {
            if (inMemory[root]) return;
            inMemory[root] = true;
            live += Granted(root);
        }

        void End(int root)
        {
            if (!inMemory[root]) return;
            inMemory[root] = false;
            live -= Granted(root);
        }

        long Granted(int root) => DeviceMemoryPool.BlockBytes(Tape.Slots[root].Spec.Bytes);

        long Narrow(int root) => DeviceMemoryPool.BlockBytes(Tape.Slots[root].Spec.ElementCount * 2);
    }
}
