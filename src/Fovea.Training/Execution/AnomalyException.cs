namespace Fovea.Training;

/// <summary>A result or a gradient is NaN or infinite.</summary>
public sealed class AnomalyException : Exception
{
    internal AnomalyException(string operation, string pass, string tensor, long index, float value)
        : base($"{operation}: {pass} made {value} at element {index} of {tensor}")
    {
        Operation = operation;
    }

    /// <summary>Path of the operation that made it, "encoder/block3/softmax".</summary>
    public string Operation { get; }
}
