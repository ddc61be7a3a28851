using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Online hard example mining: of the examples [N][1] with a weight above 0, the share with the largest losses [N][1] gets 1/their number,
/// the others 0. Equal losses go to the first; NaN is larger than any number.</summary>
/// <param name="Share">0 to 1; at least one example is kept where there is any.</param>
internal sealed record HardExamplesOperation(float Share) : HostOperation
{
    public override string Name => "hard_examples";

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        if (!inputs[0]!.Equals(inputs[1])) throw Bad($"losses {inputs[0]} and weights {inputs[1]} do not fit");
        outputs[0] = inputs[0]!;
    }

    protected override void Compute(HostTensors tensors)
    {
        var weights = tensors.Input<float>(1);
        var losses = tensors.Input<float>(0).ToArray();
        var kept = tensors.Output<float>(0);
        kept.Clear();
        var examples = new List<int>();
        for (var i = 0; i < losses.Length; i++)
            if (weights[i] > 0) examples.Add(i);
        if (examples.Count == 0) return;
        var count = Math.Max(1, (int)(Share * examples.Count));
        examples.Sort((a, b) => losses[a].Equals(losses[b]) ? a.CompareTo(b)
            : float.IsNaN(losses[a]) ? -1 : float.IsNaN(losses[b]) ? 1 : losses[b].CompareTo(losses[a]));
        foreach (var i in examples.Take(count)) kept[i] = 1f / count;
    }
}
