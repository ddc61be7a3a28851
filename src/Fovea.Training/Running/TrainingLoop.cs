using System.Diagnostics;

namespace Fovea.Training;

/// <summary>Runs a program step after step: random numbers, forward and backward, clipping, update, averages, loss scale, in the order
/// that <see cref="TrainingState"/> can resume.</summary>
public sealed class TrainingLoop
{
    private readonly TapeProgram _program;
    private readonly Optimizer _optimizer;
    private readonly TrainingState _state;
    private readonly Func<long, float> _learningRate;

    /// <summary>Puts the parts together; none is owned.</summary>
    /// <param name="program">Its gradients are those of <paramref name="optimizer"/>'s parameters.</param>
    /// <param name="optimizer">The update.</param>
    /// <param name="state">What is saved and resumed; its average and loss scale take part where they are set.</param>
    /// <param name="learningRate">By step, from 0; see <see cref="LearningRate"/>.</param>
    public TrainingLoop(TapeProgram program, Optimizer optimizer, TrainingState state, Func<long, float> learningRate)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(learningRate);
        (_program, _optimizer, _state, _learningRate) = (program, optimizer, state, learningRate);
    }

    /// <summary>The norm that gradients are clipped to; 0: no clipping.</summary>
    public float MaxGradientNorm { get; init; }

    /// <summary>Runs of the program per update, each on its own part of the batch. Gradients are averaged over them.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>Makes one step.</summary>
    /// <param name="bind">Binds the inputs of micro-batch k before it runs; null: they stay.</param>
    public StepStatistics Step(Action<int>? bind = null)
    {
        var pool = _program.Stream.Pool;
        pool.ResetPeak();
        var start = Stopwatch.GetTimestamp();
        var rate = _learningRate(_state.Step);
        var scale = _state.LossScale?.Value ?? 1;
        _optimizer.ClearGradients();
        _program.SetLossGradient(scale / MicroBatches);
        double loss = 0;
        for (var k = 0; k < MicroBatches; k++)
        {
            bind?.Invoke(k);
            // Each micro-batch has masks of its own: a run uses at most 2^32 offsets.
            _program.SetRandomState(_state.Seed, (_state.Step * MicroBatches + k) << 32);
            _program.Run();
            loss += _program.ReadLoss();
        }
        _optimizer.Step(rate, MaxGradientNorm, scale);
        var norm = MaxGradientNorm > 0 || scale != 1 ? _optimizer.GradientNorm / scale : 0;
        var counted = _state.LossScale?.Update(norm) ?? true;
        if (counted) _state.Average?.Update();
        var statistics = pool.Statistics;
        return new StepStatistics(_state.Step, (float)(loss / MicroBatches), rate, norm,
            Stopwatch.GetElapsedTime(start).TotalMilliseconds, statistics.PeakInUseBytes, statistics.ReservedBytes);
    }
}
