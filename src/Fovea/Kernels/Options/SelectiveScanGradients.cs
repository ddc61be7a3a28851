namespace Fovea;

/// <summary>Where <see cref="Kernels.SelectiveScanBackward"/> writes; null for gradients that nobody needs.</summary>
public readonly record struct SelectiveScanGradients
{
    /// <summary>[B][L][D].</summary>
    public DeviceTensor? U { get; init; }

    /// <summary>[B][L][D], of delta before its bias and softplus.</summary>
    public DeviceTensor? Delta { get; init; }

    /// <summary>[D][N].</summary>
    public DeviceTensor? A { get; init; }

    /// <summary>[B][L][N].</summary>
    public DeviceTensor? B { get; init; }

    /// <summary>[B][L][N].</summary>
    public DeviceTensor? C { get; init; }

    /// <summary>[D].</summary>
    public DeviceTensor? Skip { get; init; }

    /// <summary>[B][L][D].</summary>
    public DeviceTensor? Z { get; init; }

    /// <summary>[D].</summary>
    public DeviceTensor? DeltaBias { get; init; }

    /// <summary>[B][D][N].</summary>
    public DeviceTensor? InitialState { get; init; }
}
