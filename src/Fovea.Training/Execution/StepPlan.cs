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
    /// <param name="kept">Results that are read after a run.</param>
    /// <exception cref="ArgumentException">No schedule fits. The message names a budget for which there is one.</exception>
    public static StepPlan WithinBudget(DeviceStream stream, Tape tape, Value loss, long budgetBytes, PlannerOptions? options = null,
        params ReadOnlySpan<Value> kept)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tape);
        var (chain, profile) = Measure(stream, tape, loss, kept);
        var available = budgetBytes - stream.Pool.Statistics.InUseBytes;
        if (available <= 0)
            throw new ArgumentException($"{stream.Pool.Statistics.InUseBytes:N0} bytes are in use before a step begins, the budget is {budgetBytes:N0}", nameof(budgetBytes));

        // The stages are a model of the tape: where the compiled steps need more, plan for less.
        var target = available;
        while (true)
        {
            var plan = CheckpointPlan.WithinBudget(chain.Chain, target, options);
            var order = chain.Order(plan.Ops);
            using var program = tape.Compile(stream, loss, order, kept);
            var forecast = program.Forecast(profile);
            if (forecast.PeakBytes <= available) return new StepPlan(plan, order, forecast, available);
            target -= forecast.PeakBytes - available;
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
