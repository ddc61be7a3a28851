namespace Fovea;

/// <summary>What <see cref="Kernels.RecurrentBackward"/> reads: what the forward call read and wrote, and the gradients of its
/// results.</summary>
public readonly record struct RecurrentInputs
{
    /// <summary>[B][L][input].</summary>
    public required DeviceTensor X { get; init; }

    /// <summary>[gates*hidden][input], not packed.</summary>
    public required DeviceTensor Weights { get; init; }

    /// <summary>[gates*hidden][hidden], not packed.</summary>
    public required DeviceTensor Recurrent { get; init; }

    /// <summary>[gates*hidden].</summary>
    public DeviceTensor? Bias { get; init; }

    /// <summary>[gates*hidden].</summary>
    public DeviceTensor? RecurrentBias { get; init; }

    /// <summary>Int32 [B], valid positions; null for L.</summary>
    public DeviceTensor? Lengths { get; init; }

    /// <summary>[B][hidden], h before the forward call; null for zeros.</summary>
    public DeviceTensor? InitialH { get; init; }

    /// <summary>[B][hidden], the LSTM's c before the forward call; null for zeros.</summary>
    public DeviceTensor? InitialC { get; init; }

    /// <summary>[B][L][hidden], the forward call's result.</summary>
    public required DeviceTensor Y { get; init; }

    /// <summary>[B][L][hidden], the gradient of y.</summary>
    public required DeviceTensor Dy { get; init; }

    /// <summary>[B][hidden], the gradient of the h that the forward call left.</summary>
    public DeviceTensor? DFinalH { get; init; }

    /// <summary>[B][hidden], the gradient of the c that the forward call left; LSTM only.</summary>
    public DeviceTensor? DFinalC { get; init; }
}
