namespace Fovea.Training;

public sealed partial class TapeProgram
{
    private readonly Dictionary<int, DeviceTensor> _packed = []; // by the first result of the operation; empty in training
    private IReadOnlyList<DeviceTensor> _folded = []; // biases made by fusion

    /// <summary>Prepares to run a tape forward only, for <paramref name="outputs"/>: what they do not depend on is not computed, and
    /// every other result is given back after its last reader. Captured once, a run is one native call without managed garbage
    /// (<see cref="CapturedGraph.Replay"/>); the outputs then keep their tensors from replay to replay. Weights that are parameters are
    /// packed here, once: make another program when they have changed.</summary>
    /// <param name="stream">Where the runs go, and whose pool they use.</param>
    /// <param name="outputs">Results of one tape, which <see cref="Read"/> gives after a run.</param>
    /// <exception cref="ArgumentException">No output is named, they are of several tapes, or the tape moves running statistics: record
    /// the model in evaluation mode (<see cref="Module.Train"/>).</exception>
    public static TapeProgram Inference(DeviceStream stream, params ReadOnlySpan<Value> outputs)
    {
        var tape = TapeOf(outputs);
        return new TapeProgram(stream, tape, tape, loss: default, [.. Enumerable.Range(0, tape.Count).Select(TapeStep.Forward)], outputs);
    }

    /// <summary>As <see cref="Inference"/>, in fewer passes over memory: a convolution, a batch normalisation by constants, a residual sum and
    /// an activation in a row become one kernel, with the normalisation folded into the weights; a linear layer and its activation likewise.
    /// Results differ from those of training by roundings.</summary>
    /// <exception cref="ArgumentException">As there.</exception>
    public static TapeProgram FusedInference(DeviceStream stream, params ReadOnlySpan<Value> outputs)
    {
        var tape = TapeOf(outputs);
        var fusion = new InferenceFusion(stream, tape, [.. outputs.ToArray().Select(o => o.Slot)]);
        try
        {
            return new TapeProgram(stream, fusion.Tape, tape, loss: default, fusion.Order, outputs) { _folded = fusion.Biases };
        }
        catch
        {
            foreach (var bias in fusion.Biases) bias.Dispose();
            throw;
        }
        finally
        {
            foreach (var weight in fusion.Weights) weight.Dispose(); // packed by now
        }
    }

    /// <summary>Whether a run only enqueues: false where an operation is computed on the host (<see cref="HostOperation"/>).</summary>
    public bool IsCapturable => !Array.Exists(_steps, s => s.Step.Kind == TapeStepKind.Forward && Tape.Ops[s.Step.Index].Operation is HostOperation);

    private static Tape TapeOf(ReadOnlySpan<Value> outputs)
    {
        if (outputs.IsEmpty) throw new ArgumentException("an inference computes at least one result", nameof(outputs));
        var tape = outputs[0].Tape;
        foreach (var output in outputs)
            if (output.Owner != tape) throw new ArgumentException($"{output} is of another tape", nameof(outputs));
        foreach (var op in tape.Ops)
            if (op.Operation.WritesBuffers)
                throw new ArgumentException($"{op.Path} moves running statistics: record the model in evaluation mode", nameof(outputs));
        return tape;
    }

    /// <summary>The packed weights of an operation, as a view; null where each run packs them.</summary>
    internal DeviceTensor? Packed(TapeOp op) => _packed.TryGetValue(op.Outputs[0], out var packed) ? packed.Reshape(packed.Shape) : null;

    private void PackParameters()
    {
        try
        {
            foreach (var step in _steps)
            {
                var op = Tape.Ops[step.Step.Index];
                if (!PacksParameters(op)) continue;
                if (op.Operation.Pack(_forward.At(op, again: false)) is { } packed) _packed.Add(op.Outputs[0], packed);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private bool PacksParameters(TapeOp op)
    {
        for (var i = 0; i < op.Inputs.Length; i++)
        {
            if ((op.Operation.PackedInputs >> i & 1) == 0 || op.Inputs[i] < 0) continue;
            if (Tape.Slots[op.Inputs[i]] is { Parameter: null, IsConstant: false }) return false;
        }
        return op.Operation.PackedInputs != 0;
    }
}
