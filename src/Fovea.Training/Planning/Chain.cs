using System.Numerics;

namespace Fovea.Training.Planning;

/// <summary>Stages 1..n, each of which reads the output of the one before it. Stage 1 reads the input of the chain, which the
/// caller owns and which stays live until the last backward run is done. The gradient of that input is not counted.</summary>
public sealed class Chain
{
    private readonly ChainStage[] _stages;

    /// <summary>Checks and copies the stages.</summary>
    /// <param name="inputBytes">Bytes of the input of stage 1.</param>
    /// <param name="stages">At least one stage, first to last.</param>
    /// <exception cref="ArgumentException">A size or a time is negative or not finite, a stage saves less than its output, or
    /// its narrow form has another output.</exception>
    public Chain(long inputBytes, IEnumerable<ChainStage> stages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(inputBytes);
        _stages = [.. stages];
        if (_stages.Length == 0) throw new ArgumentException("A chain has at least one stage.", nameof(stages));
        InputBytes = inputBytes;
        for (int l = 1; l <= Length; l++)
        {
            Check(l, this[l]);
            if (this[l].Narrow is not { } narrow) continue;
            Check(l, narrow);
            if (narrow.OutputBytes != this[l].OutputBytes)
                throw new ArgumentException(
                    $"stage {l}: the narrow form has an output of {narrow.OutputBytes} bytes, the stage of {this[l].OutputBytes}");
        }
    }

    /// <summary>Number of stages, n.</summary>
    public int Length => _stages.Length;

    /// <summary>Bytes of the input of stage 1.</summary>
    public long InputBytes { get; }

    /// <summary>Stage <paramref name="stage"/>, counted from 1.</summary>
    public ChainStage this[int stage] => _stages[stage - 1];

    /// <summary>A stage as it is, or its narrow form, which it must have.</summary>
    internal ChainStage Form(int stage, bool isNarrow) =>
        !isNarrow ? this[stage] : this[stage].Narrow ?? throw new InvalidScheduleException($"stage {stage} has no narrow form");

    /// <summary>Bytes of the output of a stage; those of the chain's input for stage 0.</summary>
    public long OutputBytes(int stage) => stage == 0 ? InputBytes : this[stage].OutputBytes;

    /// <summary>Milliseconds of a step in which nothing is recomputed.</summary>
    public double PlainMs => _stages.Sum(s => s.ForwardMs + s.BackwardMs);

    /// <summary>The greatest size that divides all sizes of the chain; 1 where all are 0.</summary>
    internal long CommonBytes
    {
        get
        {
            var sizes =
                from s in _stages.Concat(_stages.Select(s => s.Narrow).OfType<ChainStage>())
                from bytes in (long[])[s.OutputBytes, s.SavedBytes, s.ForwardTransientBytes, s.BackwardTransientBytes]
                select bytes;
            return Math.Max(1, sizes.Append(InputBytes).Aggregate((a, b) => (long)BigInteger.GreatestCommonDivisor(a, b)));
        }
    }

    /// <summary>A chain of equal stages whose input has the size of an output.</summary>
    public static Chain Uniform(int length, ChainStage stage) => new(stage.OutputBytes, Enumerable.Repeat(stage, length));

    private static void Check(int l, ChainStage s)
    {
        if (!(s.ForwardMs >= 0 && s.BackwardMs >= 0 && double.IsFinite(s.ForwardMs + s.BackwardMs)))
            throw new ArgumentException($"stage {l}: times are {s.ForwardMs} and {s.BackwardMs} ms");
        if (s.OutputBytes < 0 || s.ForwardTransientBytes < 0 || s.BackwardTransientBytes < 0)
            throw new ArgumentException($"stage {l}: a size is negative");
        if (s.SavedBytes < s.OutputBytes)
            throw new ArgumentException($"stage {l}: saves {s.SavedBytes} bytes, less than its output of {s.OutputBytes}");
    }
}
