using Fovea.Interop;

namespace Fovea;

/// <summary>A matrix product: y[..][m][n] = alpha * sum over k of op(a)[..][m][k] * op(b)[..][k][n].</summary>
public readonly record struct MatMulOptions
{
    /// <summary>Creates the defaults.</summary>
    public MatMulOptions()
    {
    }

    /// <summary>Factor of the product.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>a is stored [..][k][m].</summary>
    public bool TransposeA { get; init; }

    /// <summary>b is stored [..][n][k].</summary>
    public bool TransposeB { get; init; }

    internal fovea_matmul_params ToNative() => new()
    {
        alpha = Alpha,
        transpose_a = TransposeA ? 1 : 0,
        transpose_b = TransposeB ? 1 : 0,
    };
}
