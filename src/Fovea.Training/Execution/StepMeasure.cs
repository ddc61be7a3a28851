using System.Diagnostics;

namespace Fovea.Training;

/// <summary>Measures operations one by one: time, and bytes on top of their results. It waits for each, so it is for one profiling
/// run.</summary>
internal sealed class StepMeasure(DeviceStream stream, StepProfile profile)
{
    private long _start, _inUse;

    public void Begin()
    {
        stream.Synchronize();
        _inUse = stream.Pool.Statistics.InUseBytes;
        stream.Pool.ResetPeak();
        _start = Stopwatch.GetTimestamp();
    }

    public void End(TapeStep step)
    {
        stream.Synchronize();
        var milliseconds = Stopwatch.GetElapsedTime(_start).TotalMilliseconds;
        profile.Add(step, milliseconds, stream.Pool.Statistics.PeakInUseBytes - _inUse);
    }
}
