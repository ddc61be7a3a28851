using Fovea.Interop;

namespace Fovea;

/// <summary>Softmax or log-softmax.</summary>
public readonly record struct SoftmaxOptions
{
    /// <summary>Creates the defaults.</summary>
    public SoftmaxOptions()
    {
    }

    /// <summary>The dimension; negative counts from the end.</summary>
    public int Axis { get; init; } = -1;

    /// <summary>Log-softmax.</summary>
    public bool Log { get; init; }

    internal fovea_softmax_params ToNative() => new()
    {
        axis = Axis,
        log = Log ? 1 : 0,
    };
}
