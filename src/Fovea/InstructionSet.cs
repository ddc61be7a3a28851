namespace Fovea;

/// <summary>Which compiled body of the CPU kernels runs.</summary>
public enum InstructionSet
{
    /// <summary>The slow obvious loops that tests compare with.</summary>
    Reference = 0,

    /// <summary>The fast bodies compiled without vector instructions.</summary>
    Scalar = 1,

    /// <summary>AVX2 and FMA.</summary>
    Avx2 = 2,

    /// <summary>AVX-512 F, BW, DQ, VL.</summary>
    Avx512 = 3,
}
