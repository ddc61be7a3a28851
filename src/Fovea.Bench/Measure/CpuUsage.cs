using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fovea.Bench.Measure;

/// <summary>What the kernel says about this thread and process: processor time, and how often a running thread was pushed off its
/// core for another. Linux only; elsewhere nothing is ever disturbed.</summary>
public static unsafe partial class CpuUsage
{
    private const int ProcessCpuClock = 2; // CLOCK_PROCESS_CPUTIME_ID
    private const int ThreadCpuClock = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int Self = 0;           // RUSAGE_SELF

    // struct rusage is 18 longs on 64-bit Linux; ru_nivcsw is the last.
    private const int UsageLongs = 18, InvoluntarySwitchesIndex = 17;

    /// <summary>Processor time of the calling thread in seconds.</summary>
    public static double ThreadSeconds() =>
        OperatingSystem.IsLinux() ? Read(ThreadCpuClock) : (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;

    /// <summary>Sleeps until the other threads of this process sleep too, except for <paramref name="busy"/> of them: workers spin after
    /// their last work, those of ONNX Runtime for tens of milliseconds. Gives up after <paramref name="most"/>.</summary>
    public static void Settle(int busy, TimeSpan most)
    {
        const double Idle = 0.1; // of one core
        const int Window = 10;   // ms: what a running thread uses is known only after the next tick of the system, 4 ms apart or less
        if (!OperatingSystem.IsLinux()) return;
        long begin = Stopwatch.GetTimestamp();
        double used, wall;
        do
        {
            long start = Stopwatch.GetTimestamp();
            double cpu = Read(ProcessCpuClock);
            Thread.Sleep(Window);
            used = Read(ProcessCpuClock) - cpu;
            wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        while (used > (busy + Idle) * wall && Stopwatch.GetElapsedTime(begin) < most);
    }

    /// <summary>Involuntary context switches of all threads of this process so far.</summary>
    public static long InvoluntarySwitches()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        long* usage = stackalloc long[UsageLongs];
        _ = getrusage(Self, usage);
        return usage[InvoluntarySwitchesIndex];
    }

    private static double Read(int clock)
    {
        long* time = stackalloc long[2]; // seconds, nanoseconds
        _ = clock_gettime(clock, time);
        return time[0] + time[1] * 1e-9;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, long* time);

    [LibraryImport("libc")]
    private static partial int getrusage(int who, long* usage);
}
