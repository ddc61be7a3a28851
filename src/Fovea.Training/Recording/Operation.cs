namespace Fovea.Training;

/// <summary>A differentiable kernel with its attributes: what a tape records. Immutable; equal when kernel and attributes are,
/// so that recorded programs can be compared. Holds no tensors and no callbacks: running it again gives the same bits.</summary>
public abstract record Operation
{
    /// <summary>The kernel's name, as in error messages: "conv2d".</summary>
    public abstract string Name { get; }

    /// <summary>Number of results.</summary>
    public virtual int OutputCount => 1;

    /// <summary>Whether replaying the operation must not touch what it writes besides its outputs (running
    /// statistics).</summary>
    public virtual bool WritesBuffers => false;

    /// <summary>What <see cref="Backward"/> will read when gradients of the inputs in <paramref name="wanted"/> (bit i: input i)
    /// are asked for. The less, the less is kept.</summary>
    public abstract SavedTensors Saves(uint wanted);

    /// <summary>Describes the results; absent inputs are null.</summary>
    /// <exception cref="ArgumentException">The inputs do not fit together. The message names the operation and the
    /// shapes.</exception>
    public abstract void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs);

    /// <summary>Multiply-adds of the forward kernel: those of its convolution or matrix product. 0 where there is none.</summary>
    public virtual long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;

    /// <summary>Inputs that <see cref="Pack"/> reads, bit i: input i. 0: the kernel takes its inputs as they are.</summary>
    public virtual uint PackedInputs => 0;

    /// <summary>Enqueues the packing of weights into the form that the kernel reads; null where these weights need none. A program packs
    /// in every run, because training changes weights; an inference packs parameters once.</summary>
    public virtual DeviceTensor? Pack(ForwardPass pass) => null;

    /// <summary>Enqueues the kernel.</summary>
    public abstract void Forward(ForwardPass pass);

    /// <summary>Enqueues the kernels that turn the gradients of the outputs into those of the inputs.</summary>
    public abstract void Backward(BackwardPass pass);

    /// <summary>Throws unless each vector is absent or has one number per channel, the last dimension of x.</summary>
    protected void CheckChannels(TensorSpec x, ReadOnlySpan<TensorSpec?> vectors)
    {
        foreach (var vector in vectors)
            if (vector is not null && (vector.Rank != 1 || vector[0] != x[^1])) throw Bad($"{vector} does not fit x {x}");
    }

    /// <summary>Throws the exception that <see cref="Infer"/> promises.</summary>
    protected ArgumentException Bad(string what) => new($"{Name}: {what}");
}
