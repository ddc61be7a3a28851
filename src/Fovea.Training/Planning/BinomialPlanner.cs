namespace Fovea.Training.Planning;

/// <summary>The optimum for a chain of equal steps when a fixed number of outputs may be kept and one step at a time is saved
/// for backward: fewest forward runs.</summary>
/// <remarks>Griewank and Walther, "Algorithm 799: revolve", ACM TOMS 26(1), 2000. A slot holds one checkpoint; the input of the
/// chain takes one. "Advances" are forward runs that save nothing; every step has one saving run besides.</remarks>
public static class BinomialPlanner
{
    /// <summary>Most steps that <paramref name="slots"/> checkpoints reverse when no step is advanced more than
    /// <paramref name="repeats"/> times: C(slots + repeats, slots), or <see cref="long.MaxValue"/> where that is
    /// larger.</summary>
    public static long Reach(int slots, int repeats)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slots);
        if (repeats < 0) return 0;
        UInt128 reach = 1;
        for (int i = 1; i <= Math.Min(slots, repeats); i++)
        {
            reach = reach * (UInt128)(Math.Max(slots, repeats) + i) / (UInt128)i;
            if (reach > long.MaxValue) return long.MaxValue;
        }
        return (long)reach;
    }

    /// <summary>Most often that any step is advanced: the smallest r with <c>Reach(slots, r) >= steps</c>.</summary>
    public static int Repeats(int steps, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        int repeats = 0;
        while (Reach(slots, repeats) < steps) repeats++;
        return repeats;
    }

    /// <summary>Fewest advances that reverse <paramref name="steps"/> steps: r l - C(s + r, r - 1).</summary>
    public static long Advances(int steps, int slots)
    {
        int repeats = Repeats(steps, slots);
        return (long)repeats * steps - Reach(slots + 1, repeats - 1);
    }

    /// <summary>An optimal number of steps to advance before the next checkpoint; several may be optimal, this is the
    /// largest.</summary>
    public static int FirstAdvance(int steps, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        int repeats = Repeats(steps, slots);
        return (int)Math.Min(Reach(slots, repeats - 1), steps - Reach(slots - 1, repeats - 1));
    }

    /// <summary>The schedule for <paramref name="chain"/> with <paramref name="slots"/> checkpoints, its input among
    /// them.</summary>
    public static IReadOnlyList<ScheduleOp> Plan(Chain chain, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        var builder = new ScheduleBuilder(chain.Length);
        Emit(builder, 1, chain.Length, slots, isLossDue: true);
        return builder.Ops;
    }

    private static void Emit(ScheduleBuilder builder, int first, int last, int slots, bool isLossDue)
    {
        if (first == last)
        {
            builder.KeepAll(first, last, isLossDue);
            return;
        }
        int next = first + FirstAdvance(last - first + 1, slots);
        builder.Advance(first, next);
        Emit(builder, next, last, slots - 1, isLossDue);
        builder.Free(ScheduleTensor.Output(next - 1));
        Emit(builder, first, next - 1, slots, isLossDue: false);
    }
}
