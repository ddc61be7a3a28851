namespace Fovea;

/// <summary>How products of f32 matrices and convolutions are made on tensor cores. Sums are f32 in each case, in an order that does
/// not change from run to run. The CPU is exact always. So are, on CUDA, kernels that memory bounds: depthwise convolutions,
/// and linear layers of up to 16 rows.</summary>
public enum F32Products
{
    /// <summary>Fused multiply-adds of f32, on the ordinary cores.</summary>
    Exact = 0,

    /// <summary>Factors rounded to nearest with 10 bits after the binary point: a product is off by up to 2^-10 of itself. Numbers of
    /// 2^128 (1 - 2^-12) and more become infinite.</summary>
    Tf32 = 1,

    /// <summary>Each factor as a sum of two such numbers, three products, their small parts' product left out: off by up to 2^-20,
    /// as a rule about as much as the f32 sums. At a third of the speed of <see cref="Tf32"/>.</summary>
    ThreeTf32 = 2,
}
