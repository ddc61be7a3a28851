namespace Fovea;

/// <summary>Where <see cref="Kernels.RecurrentBackward"/> writes; null for gradients that nobody needs. Each has the shape of what it
/// is the gradient of.</summary>
public readonly record struct RecurrentGradients
{
    /// <summary>[B][L][input].</summary>
    public DeviceTensor? X { get; init; }

    /// <summary>[gates*hidden][input].</summary>
    public DeviceTensor? Weights { get; init; }

    /// <summary>[gates*hidden][hidden].</summary>
    public DeviceTensor? Recurrent { get; init; }

    /// <summary>[gates*hidden].</summary>
    public DeviceTensor? Bias { get; init; }

    /// <summary>[gates*hidden].</summary>
    public DeviceTensor? RecurrentBias { get; init; }

    /// <summary>[B][hidden].</summary>
    public DeviceTensor? InitialH { get; init; }

    /// <summary>[B][hidden], LSTM only.</summary>
    public DeviceTensor? InitialC { get; init; }
}
