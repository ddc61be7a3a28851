using Fovea.Interop;

namespace Fovea;

/// <summary>A reduction over some dimensions.</summary>
public readonly record struct ReduceOptions
{
    /// <summary>The reduction.</summary>
    public ReduceOp Op { get; init; }

    /// <summary>Bit i: reduce dimension i.</summary>
    public uint Axes { get; init; }

    /// <summary>Reduces the listed dimensions, each from 0 to rank - 1.</summary>
    public static ReduceOptions Over(ReduceOp op, params ReadOnlySpan<int> axes)
    {
        uint mask = 0;
        foreach (var axis in axes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(axis, nameof(axes));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(axis, NativeMethods.FOVEA_MAX_RANK, nameof(axes));
            mask |= 1u << axis;
        }
        return new ReduceOptions { Op = op, Axes = mask };
    }

    internal fovea_reduce_params ToNative() => new()
    {
        op = (int)Op,
        axes = Axes,
    };
}
