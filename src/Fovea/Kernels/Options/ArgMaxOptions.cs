using Fovea.Interop;

namespace Fovea;

/// <summary>Index of the largest or smallest element.</summary>
public readonly record struct ArgMaxOptions
{
    /// <summary>Creates the defaults.</summary>
    public ArgMaxOptions()
    {
    }

    /// <summary>The dimension; negative counts from the end.</summary>
    public int Axis { get; init; } = -1;

    /// <summary>The smallest instead of the largest.</summary>
    public bool Minimum { get; init; }

    internal fovea_arg_params ToNative() => new()
    {
        axis = Axis,
        minimum = Minimum ? 1 : 0,
    };
}
