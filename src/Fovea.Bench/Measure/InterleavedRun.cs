using System.Diagnostics;

namespace Fovea.Bench.Measure;

/// <summary>Times contestants in turn in one process, so that drift of the machine meets all of them alike. A turn is one uncounted
/// call that brings code and data back into the caches, then a few samples, each between two FMA bursts.</summary>
public static class InterleavedRun
{
    // Calls this long get one sample per turn: their bursts would lie too far apart to speak for the others of the turn.
    private const double LongCall = 50e-3;

    // Calls this long are their own warm-up: what caches hold at the start is a small part of what they touch.
    private const double VeryLongCall = 0.25, EnoughWarmUp = 0.5;

    // Workers that spin longer than this spin always.
    private static readonly TimeSpan LongestSettling = TimeSpan.FromMilliseconds(300);

    /// <summary>All samples of every contestant, in their order.</summary>
    public static Series[] Measure(IReadOnlyList<Contestant> contestants, MeasurePlan plan)
    {
        var turns = contestants.Select(c => new Turns(c, plan)).ToArray();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        for (int round = 0; !turns.All(t => t.IsDone) && (turns.Max(t => t.Spent) < plan.Seconds || turns.Any(t => t.NeedsMore)); round++)
        {
            for (int i = 0; i < turns.Length; i++)
            {
                var turn = turns[(i + round) % turns.Length]; // nobody is always first
                if (turn.IsOut) continue;
                if (plan.HasWorkers) CpuUsage.Settle(plan.BusyThreads, LongestSettling);
                turn.Take();
            }
        }

        return [.. turns.Select(t => t.Finish())];
    }

    private sealed class Turns
    {
        private readonly Contestant _contestant;
        private readonly MeasurePlan _plan;
        private readonly int _repeats, _samples;
        private readonly bool _needsFirstCall;
        private readonly List<Sample> _taken = [];
        private readonly List<int> _firstCalls = [];
        private int _accepted;

        public Turns(Contestant contestant, MeasurePlan plan)
        {
            _contestant = contestant;
            _plan = plan;
            double call = WarmUp();
            _repeats = (int)Math.Clamp(Math.Ceiling(plan.SampleSeconds / call), 1, 1 << 20);
            _samples = call > LongCall ? 1 : plan.SamplesPerTurn;
            _needsFirstCall = call < VeryLongCall;
        }

        public double Spent { get; private set; }

        public bool IsOut => Spent >= Math.Max(_plan.Seconds, _plan.MostSeconds);

        public bool NeedsMore => _taken.Count < _plan.Least && !IsOut;

        public bool IsDone => _accepted >= _plan.Wanted || _taken.Count >= _plan.Most;

        public void Take()
        {
            if (_needsFirstCall) _contestant.Call();
            double before = FmaBurst.Measure();
            for (int k = 0; k < _samples; k++)
            {
                // Workers may have gone to sleep during the burst, some peers' sooner than others'.
                if (_plan.HasWorkers && _needsFirstCall) _contestant.Call();
                int firstCall = _contestant.Calls;
                long pushed = CpuUsage.InvoluntarySwitches(), bytes = GC.GetAllocatedBytesForCurrentThread();
                double cpu = CpuUsage.ThreadSeconds();
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < _repeats; i++) _contestant.Call();
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                cpu = CpuUsage.ThreadSeconds() - cpu;
                bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
                pushed = CpuUsage.InvoluntarySwitches() - pushed;
                double after = FmaBurst.Measure();
                double notCounted = _contestant.NotCounted is { } ticks ? (double)ticks() / Stopwatch.Frequency : 0;
                var sample = new Sample(seconds / _repeats, seconds / _repeats - notCounted, cpu / seconds, Math.Min(before, after), pushed, bytes / _repeats);
                _taken.Add(sample);
                _firstCalls.Add(firstCall);
                if (sample.IsQuiet(_plan.Peak)) _accepted++;
                before = after;
                Spent += seconds;
            }
        }

        public Series Finish()
        {
            if (_contestant.InnerSeconds is { } ask)
            {
                var inner = ask();
                for (int i = 0; i < _taken.Count; i++)
                {
                    double mean = Enumerable.Range(_firstCalls[i], _repeats).Average(call => inner[call]);
                    _taken[i] = _taken[i] with { Seconds = mean, CountedSeconds = mean };
                }
            }

            return new Series(_contestant.Name, _taken, _plan.Peak, _plan.Gated);
        }

        // Long enough for tiered compilation to have replaced what is called (30 calls and 100 ms of quiet); returns the fastest call.
        private double WarmUp()
        {
            double best = double.MaxValue, spent = 0;
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i == 0 || spent < _plan.WarmUpSeconds || (i < 3 && spent < EnoughWarmUp); i++)
            {
                long begin = Stopwatch.GetTimestamp();
                _contestant.Call();
                best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
                spent = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            return Math.Max(best, 1e-9);
        }
    }
}
