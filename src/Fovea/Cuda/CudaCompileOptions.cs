namespace Fovea;

/// <summary>How CUDA C++ is compiled at run time.</summary>
public sealed record CudaCompileOptions
{
    /// <summary>File name for messages of the compiler.</summary>
    public string FileName { get; init; } = "kernel.cu";

    /// <summary>"sm_90a" gives machine code, "compute_80" PTX that the driver compiles for its device. Null stands for the device
    /// the module is loaded on.</summary>
    public string? Architecture { get; init; }

    /// <summary>Further options of NVRTC, such as "--use_fast_math", "-DTILE=64" or "--include-path=/usr/local/cuda/include". C++17
    /// unless one says otherwise.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Kernels that are not <c>extern "C"</c>, as C++ expressions: "scale", "math::scale&lt;float, 4&gt;". Naming an instance of a
    /// template makes the compiler generate it.</summary>
    public IReadOnlyList<string> Kernels { get; init; } = [];

    /// <summary>Headers that the source may include, text by name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}
