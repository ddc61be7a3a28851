using Fovea.Training.Planning;

namespace Fovea.Training;

/// <summary>A plan of one training step under a byte budget, ready to compile: what is kept, what is computed again, what waits on
/// the host.</summary>
public sealed class StepPlan
{
    private StepPlan(CheckpointPlan plan, IReadOnlyList<TapeStep> order, StepForecast forecast, long available)
    {
        Plan = plan;
        Order = order;
        Forecast = forecast;
        AvailableBytes = available;
    }

    /// <summary>The plan over the stages of the tape.</summary>
    public CheckpointPlan Plan { get; }

    /// <summary>The plan as steps of the tape: what <see cref="Tape.Compile"/> takes.</summary>
    public IReadOnlyList<TapeStep> Order { get; }

    /// <summary>Peak and time of the compiled steps, from measured costs.</summary>
    public StepForecast Forecast { get; }

    /// <summary>Bytes that were left for results, gradients and workspaces when the plan was made.</summary>
    public long AvailableBytes { get; }

    /// <summary>Measures the tape once and finds the fastest schedule that fits.</summary>
    /// <param name="stream">Where programs will run. What its pool has in use already (parameters, their gradients, moments of the
    /// optimiser) counts against the budget.</param>
    /// <param name="tape">A tape whose inputs are bound.</param>
    /// <param name="loss">The scalar whose gradients are wanted.</param>
    /// <param name="budgetBytes">Most bytes of the pool in use at any moment of a step.</param>
    /// <param name="options">What the planner may do; null: recompute only.</param>
    /// <param name="cache">Plans made before: a tape of the same operations and shapes under the same budget is neither measured nor
    /// planned again.</param>
    /// <param name="kept">Results that are read after a run.</param>
    /// <exception cref="ArgumentException">No schedule fits. The message names a budget for which there is one.</exception>
    public static StepPlan WithinBudget(DeviceStream stream, Tape tape, Value loss, long budgetBytes, PlannerOptions? options = null,
        PlanCache<StepPlan>? cache = null, params ReadOnlySpan<Value> kept)
    {
        ArgumentNullException.ThrowIfNull(tape);
        var results = kept.ToArray();
        using var sketch = tape.Compile(stream, loss, TapeOrder.KeepAll(tape), results);
        var available = Available(stream, budgetBytes);
        return cache is null ? Plan() : cache.GetOrAdd(TapeKey.Of(sketch, available, options ?? new PlannerOptions()), Plan);

        StepPlan Plan()
        {
            var (chain, profile) = Measure(stream, tape, loss, results);
            return Fit(sketch, chain, profile, available, options);
        }
    }

    /// <summary>Finds the fastest schedule that fits, with costs measured before: several budgets for one profile.</summary>
    /// <param name="program">A program of the tape, in any order.</param>
    /// <param name="chain">Its stages.</param>
    /// <param name="profile">Its costs.</param>
    /// <param name="budgetBytes">Most bytes of the pool in use at any moment of a step.</param>
    /// <param name="options">What the planner may do; null: recompute only.</param>
    /// <exception cref="ArgumentException">No schedule fits.</exception>
    public static StepPlan WithinBudget(
        TapeProgram program, TapeChain chain, StepProfile profile, long budgetBytes, PlannerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(chain);
        return Fit(program, chain, profile, Available(program.Stream, budgetBytes), options);
    }

    // Asked while a program lives, so that parameters have their gradients and what a program itself holds is counted.
    private static long Available(DeviceStream stream, long budgetBytes)
    {
        var inUse = stream.Pool.Statistics.InUseBytes;
        return budgetBytes > inUse
            ? budgetBytes - inUse
            : throw new ArgumentException($"{inUse:N0} bytes are in use before a step begins, the budget is {budgetBytes:N0}", nameof(budgetBytes));
    }

    // The stages are a model of the tape: where the compiled steps need more, plan for less.
    private static StepPlan Fit(TapeProgram program, TapeChain chain, StepProfile profile, long available, PlannerOptions? options)
    {
        // Where the plain step fits although the model says it does not, nothing is to be planned.
        var step = Compiled(new CheckpointPlan(chain.Chain, SegmentPlanner.KeepAll(chain.Chain)));
        var target = available;
        while (step.Forecast.PeakBytes > available)
        {
            step = Compiled(CheckpointPlan.WithinBudget(chain.Chain, target, options));
            target -= step.Forecast.PeakBytes - available;
        }
        return step;

        StepPlan Compiled(CheckpointPlan plan)
        {
            var order = chain.Order(plan.Ops);
            using var planned = program.Reordered(order);
            return new StepPlan(plan, order, planned.Forecast(profile), available);
        }
    }

    /// <summary>Stages and costs of a tape, measured by running it in little memory.</summary>
    public static (TapeChain Chain, StepProfile Profile) Measure(DeviceStream stream, Tape tape, Value loss, params ReadOnlySpan<Value> kept)
    {
        ArgumentNullException.ThrowIfNull(tape);
        using var sketch = tape.Compile(stream, loss, TapeOrder.KeepAll(tape), kept);
        var stages = TapeChain.Of(sketch, StepProfile.Nominal(tape));
        var order = stages.Order(SegmentPlanner.Uniform(stages.Chain));
        StepProfile profile;
        try
        {
            using var program = tape.Compile(stream, loss, order, kept);
            profile = program.Profile();
        }
        catch (DeviceOutOfMemoryException)
        {
            // Slower to run, but nothing needs less.
            using var program = tape.Compile(stream, loss, stages.Order(RecursivePlanner.Plan(stages.Chain)), kept);
            profile = program.Profile();
        }
        return (TapeChain.Of(sketch, profile), profile);
    }

    /// <summary>Per tensor what happens to it, its bytes and what that costs.</summary>
    public string Explain() => Plan.Explain();
}
