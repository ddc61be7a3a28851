using Fovea.Training.Planning;

namespace Fovea.Training;

/// <summary>The orders in which a tape can be run when nobody plans. An order is only a list of forward and backward steps: how
/// long a result lives follows from who reads it before it is written again.</summary>
public static class TapeOrder
{
    /// <summary>Everything once: what backward reads is kept.</summary>
    public static IReadOnlyList<TapeStep> KeepAll(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        var steps = new List<TapeStep>(2 * tape.Count);
        for (var i = 0; i < tape.Count; i++) steps.Add(TapeStep.Forward(i));
        for (var i = tape.Count - 1; i >= 0; i--) steps.Add(TapeStep.Backward(i));
        return steps;
    }

    /// <summary>Results are evicted when memory runs out and made again when they are read. Unlike plans over a
    /// <see cref="TapeChain"/> this decides about single results, so it also serves tapes that are no chains.</summary>
    /// <param name="program">A program of the tape, in any order.</param>
    /// <param name="profile">Its measured costs.</param>
    /// <param name="budgetBytes">Most bytes for results, gradients and workspaces: bounds <see cref="StepForecast.PeakBytes"/>.</param>
    /// <param name="score">Evicts by this score without looking ahead, as dynamic tensor rematerialisation does; null: the best of
    /// several scores, with and without a look ahead.</param>
    /// <exception cref="ArgumentException">What some operation reads and writes does not fit together.</exception>
    public static IReadOnlyList<TapeStep> Eviction(
        TapeProgram program, StepProfile profile, long budgetBytes, EvictionScore? score = null)
    {
        var graph = new TapeGraph(program, profile);
        return graph.Order(score is { } only
            ? GraphPlanner.Online(graph.Nodes, budgetBytes, only)
            : GraphPlanner.Greedy(graph.Nodes, budgetBytes));
    }

    /// <summary>Measures a tape and finds the faster of two orders that keep a budget: a plan over its <see cref="TapeChain"/>, which is
    /// the best there is for a chain, and <see cref="Eviction"/>, which also serves the pyramids and heads of detectors.</summary>
    /// <param name="stream">Where programs will run.</param>
    /// <param name="tape">A tape whose inputs are bound; it is run a few times.</param>
    /// <param name="loss">The scalar whose gradients are wanted.</param>
    /// <param name="budgetBytes">Most bytes for results, gradients and workspaces: bounds <see cref="StepForecast.PeakBytes"/>.</param>
    /// <param name="kept">Results that are read after a run.</param>
    /// <exception cref="ArgumentException">Neither finds one.</exception>
    public static (IReadOnlyList<TapeStep> Order, StepForecast Forecast) WithinBudget(
        DeviceStream stream, Tape tape, Value loss, long budgetBytes, params ReadOnlySpan<Value> kept)
    {
        var (chain, profile) = StepPlan.Measure(stream, tape, loss, kept);
        using var program = tape.Compile(stream, loss, KeepAll(tape), kept);
        (IReadOnlyList<TapeStep> Order, StepForecast Forecast)? best = null;
        Exception? refusal = null;
        var inUse = stream.Pool.Statistics.InUseBytes;
        Try(() => StepPlan.WithinBudget(program, chain, profile, inUse + budgetBytes).Order);
        Try(() => Eviction(program, profile, budgetBytes));
        return best ?? throw new ArgumentException(
            $"no order of the step was found that fits {budgetBytes:N0} bytes; to keep everything takes {program.Forecast(profile).PeakBytes:N0}", refusal);

        void Try(Func<IReadOnlyList<TapeStep>> plan)
        {
            try
            {
                var order = plan();
                using var planned = program.Reordered(order);
                var forecast = planned.Forecast(profile);
                if (forecast.PeakBytes <= budgetBytes && !(best?.Forecast.Milliseconds <= forecast.Milliseconds)) best = (order, forecast);
            }
            catch (ArgumentException e)
            {
                refusal = e; // the other one may do
            }
        }
    }

    /// <summary>Segments marked by <see cref="Checkpoint.Run(Tape, Func{Value})"/> keep their inputs only and are computed again
    /// when their backward pass is due; segments inside segments likewise.</summary>
    public static IReadOnlyList<TapeStep> MarkedSegments(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        var steps = new List<TapeStep>(3 * tape.Count);
        // Inner segments end before outer ones do; sorted so that a parent comes before its children.
        var segments = tape.Segments.Where(s => s.End > s.Begin).OrderBy(s => s.Begin).ThenByDescending(s => s.End).ToArray();
        for (var i = 0; i < tape.Count; i++) steps.Add(TapeStep.Forward(i));
        Reverse(0, tape.Count, 0, segments.Length);
        return steps;

        // Backward through operations [begin, end), of which segments [first, last) lie inside.
        void Reverse(int begin, int end, int first, int last)
        {
            var at = end;
            foreach (var (segment, inner) in Children(first, last).Reverse())
            {
                for (; at > segment.End; at--) steps.Add(TapeStep.Backward(at - 1));
                // A segment that has just run needs no second time.
                if (steps[^1] != TapeStep.Forward(segment.End - 1))
                    for (var i = segment.Begin; i < segment.End; i++) steps.Add(TapeStep.Forward(i));
                Reverse(segment.Begin, segment.End, inner.Begin, inner.End);
                at = segment.Begin;
            }
            for (; at > begin; at--) steps.Add(TapeStep.Backward(at - 1));
        }

        IEnumerable<(Tape.Segment Segment, (int Begin, int End) Inner)> Children(int first, int last)
        {
            while (first < last)
            {
                var next = first + 1;
                while (next < last && segments[next].Begin < segments[first].End) next++;
                yield return (segments[first], (first + 1, next));
                first = next;
            }
        }
    }
}
