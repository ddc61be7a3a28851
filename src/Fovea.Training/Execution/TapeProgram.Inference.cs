namespace Fovea.Training;

public sealed partial class TapeProgram
{
    /// <summary>Prepares to run a tape forward only, for <paramref name="outputs"/>: what they do not depend on is not computed, and
    /// every other result is given back after its last reader. Captured once, a run is one native call without managed garbage
    /// (<see cref="CapturedGraph.Replay"/>); the outputs then keep their tensors from replay to replay.</summary>
    /// <param name="stream">Where the runs go, and whose pool they use.</param>
    /// <param name="outputs">Results of one tape, which <see cref="Read"/> gives after a run.</param>
    /// <exception cref="ArgumentException">No output is named, they are of several tapes, or the tape moves running statistics: record
    /// the model in evaluation mode (<see cref="Module.Train"/>).</exception>
    public static TapeProgram Inference(DeviceStream stream, params ReadOnlySpan<Value> outputs)
    {
        if (outputs.IsEmpty) throw new ArgumentException("an inference computes at least one result", nameof(outputs));
        var tape = outputs[0].Tape;
        foreach (var output in outputs)
            if (output.Owner != tape) throw new ArgumentException($"{output} is of another tape", nameof(outputs));
        var order = new TapeStep[tape.Count];
        for (var i = 0; i < order.Length; i++)
        {
            if (tape.Ops[i].Operation.WritesBuffers)
                throw new ArgumentException($"{tape.Ops[i].Path} moves running statistics: record the model in evaluation mode", nameof(outputs));
            order[i] = TapeStep.Forward(i);
        }
        return new TapeProgram(stream, tape, loss: default, order, outputs);
    }
}
