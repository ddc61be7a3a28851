using Fovea.Training;

namespace Fovea.Models.Sequences;

/// <summary>A causal layer in two forms that share their weights: <see cref="Module.Forward"/> records the parallel form, which sees
/// a whole sequence <c>[B, L, D]</c> and is trained; <see cref="ToStreaming"/> gives the recurrent form, which takes the sequence in
/// pieces of any length and remembers the rest in a state of constant size.</summary>
/// <remarks>The two forms agree up to rounding; the streaming form is bit for bit the same for the same cuts.</remarks>
public abstract class SequenceModule : Module
{
    /// <inheritdoc cref="Module(string)"/>
    protected SequenceModule(string name)
        : base(name)
    {
    }

    /// <summary>The recurrent form, with the values the parameters have now, packed for the kernels. It adds its memory to
    /// <paramref name="state"/>, reads x <c>[streams, length, D]</c> and gives the same shape.</summary>
    public abstract ILayer ToStreaming(SequenceState state);
}
