namespace Fovea.Training.Planning;

/// <summary>Cuts the chain into equal parts, keeps a checkpoint at each cut and treats every part the same way, last part
/// first: O(k log_{k+1} n) outputs live at once for about log_{k+1} n extra forward runs of every stage.</summary>
/// <remarks>Section 4.4 of Chen et al., 2016: g(n) = k + g(n / (k + 1)).</remarks>
public static class RecursivePlanner
{
    /// <summary>Plans with <paramref name="cuts"/> cuts at every level of the recursion.</summary>
    public static IReadOnlyList<ScheduleOp> Plan(Chain chain, int cuts = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cuts, 1);
        var builder = new ScheduleBuilder(chain.Length);
        Emit(builder, 1, chain.Length, cuts, isLossDue: true);
        return builder.Ops;
    }

    private static void Emit(ScheduleBuilder builder, int first, int last, int cuts, bool isLossDue)
    {
        int count = last - first + 1;
        int parts = Math.Min(cuts + 1, count);
        if (parts == 1)
        {
            builder.KeepAll(first, last, isLossDue);
            return;
        }
        int Start(int part) => first + (int)((long)count * part / parts);
        for (int part = 1; part < parts; part++) builder.Advance(Start(part - 1), Start(part));
        for (int part = parts - 1; part >= 0; part--)
        {
            if (part < parts - 1) builder.Free(ScheduleTensor.Output(Start(part + 1) - 1));
            Emit(builder, Start(part), Start(part + 1) - 1, cuts, isLossDue && part == parts - 1);
        }
    }
}
