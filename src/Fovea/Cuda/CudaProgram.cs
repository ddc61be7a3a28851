using System.Runtime.InteropServices;
using System.Text;
using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>One compilation by NVRTC.</summary>
internal sealed unsafe class CudaProgram : IDisposable
{
    private readonly CudaCompileOptions _options;
    private _nvrtcProgram* _program;

    public CudaProgram(string source, CudaCompileOptions options)
    {
        RequireNvrtc();
        _options = options;
        using var text = new Strings([source, options.FileName]);
        using var names = new Strings([.. options.Headers.Keys]);
        using var headers = new Strings([.. options.Headers.Values]);
        _nvrtcProgram* program;
        CudaErrors.Check(
            Nvrtc.nvrtcCreateProgram(&program, text.Pointers[0], text.Pointers[1], options.Headers.Count, headers.Pointers, names.Pointers),
            "nvrtcCreateProgram");
        _program = program;
    }

    /// <summary>Version of the toolkit that NVRTC, which is loaded, belongs to.</summary>
    public static string Version()
    {
        int major, minor;
        var result = Nvrtc.nvrtcVersion(&major, &minor);
        return result == nvrtcResult.NVRTC_SUCCESS ? CudaLibraries.VersionText(1000 * major + 10 * minor) : result.ToString();
    }

    public static int[] SupportedArchitectures()
    {
        RequireNvrtc();
        int count;
        CudaErrors.Check(Nvrtc.nvrtcGetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs");
        var architectures = new int[count];
        fixed (int* first = architectures) CudaErrors.Check(Nvrtc.nvrtcGetSupportedArchs(first), "nvrtcGetSupportedArchs");
        return architectures;
    }

    public CudaImage Compile()
    {
        using var expressions = new Strings(_options.Kernels);
        for (var i = 0; i < _options.Kernels.Count; i++)
            CudaErrors.Check(Nvrtc.nvrtcAddNameExpression(_program, expressions.Pointers[i]), "nvrtcAddNameExpression", _options.Kernels[i]);
        List<string> given = [$"--gpu-architecture={_options.Architecture}", .. _options.Options];
        if (!given.Exists(o => o.StartsWith("--std", StringComparison.Ordinal) || o.StartsWith("-std", StringComparison.Ordinal)))
            given.Add("--std=c++17");
        using var options = new Strings(given);
        var result = Nvrtc.nvrtcCompileProgram(_program, given.Count, options.Pointers);
        var log = Log();
        CudaErrors.Check(result, "nvrtcCompileProgram", log);
        var lowered = new Dictionary<string, string>();
        for (var i = 0; i < _options.Kernels.Count; i++)
        {
            sbyte* name;
            CudaErrors.Check(Nvrtc.nvrtcGetLoweredName(_program, expressions.Pointers[i], &name), "nvrtcGetLoweredName", _options.Kernels[i]);
            lowered[_options.Kernels[i]] = Marshal.PtrToStringUTF8((nint)name) ?? "";
        }
        return new CudaImage(Code(), log, lowered);
    }

    public void Dispose()
    {
        var program = _program;
        _program = null;
        if (program != null) _ = Nvrtc.nvrtcDestroyProgram(&program);
    }

    // PTX is all there is for a virtual architecture.
    private byte[] Code()
    {
        nuint size;
        var isPtx = _options.Architecture!.StartsWith("compute", StringComparison.Ordinal);
        CudaErrors.Check(isPtx ? Nvrtc.nvrtcGetPTXSize(_program, &size) : Nvrtc.nvrtcGetCUBINSize(_program, &size), "nvrtcGetCUBINSize");
        var code = new byte[checked((int)size) + 1];
        fixed (byte* first = code)
            CudaErrors.Check(isPtx ? Nvrtc.nvrtcGetPTX(_program, (sbyte*)first) : Nvrtc.nvrtcGetCUBIN(_program, (sbyte*)first), "nvrtcGetCUBIN");
        return isPtx ? code[..^1] : code; // PTX ends in a zero of its own
    }

    private string Log()
    {
        nuint size;
        if (Nvrtc.nvrtcGetProgramLogSize(_program, &size) != nvrtcResult.NVRTC_SUCCESS || size == 0) return "";
        var log = new byte[checked((int)size)];
        fixed (byte* first = log)
            if (Nvrtc.nvrtcGetProgramLog(_program, (sbyte*)first) != nvrtcResult.NVRTC_SUCCESS)
                return "";
        return Encoding.UTF8.GetString(log.AsSpan().TrimEnd((byte)0));
    }

    private static void RequireNvrtc()
    {
        if (!CudaLibraries.Nvrtc.TryLoad(out var failure)) throw new DeviceException(Status.NotFound, "nvrtc", failure!);
    }

    // An array of zero-terminated strings outside of the managed heap.
    private readonly struct Strings : IDisposable
    {
        private readonly int _count;

        public Strings(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointers = (sbyte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(sbyte*));
            for (var i = 0; i < _count; i++) Pointers[i] = (sbyte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        public sbyte** Pointers { get; }

        public void Dispose()
        {
            for (var i = 0; i < _count; i++) Marshal.FreeCoTaskMem((nint)Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
