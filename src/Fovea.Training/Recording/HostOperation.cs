namespace Fovea.Training;

/// <summary>An operation that the host computes: matching of predictions with labels, sampling. A pure function of its inputs,
/// attributes and, where it samples, the run's random state. Each run waits for the stream, so a program with one cannot be captured;
/// where a kernel exists, it is to be preferred.</summary>
public abstract record HostOperation : ConstantOperation
{
    /// <inheritdoc/>
    public sealed override void Forward(ForwardPass pass)
    {
        ArgumentNullException.ThrowIfNull(pass);
        var tensors = new HostTensors(pass, OutputCount);
        Compute(tensors);
        tensors.WriteBack();
    }

    /// <summary>Fills every element of every output.</summary>
    protected abstract void Compute(HostTensors tensors);
}
