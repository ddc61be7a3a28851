using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using Fovea.Interop.Cuda;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests.Cuda;

/// <summary>Own kernels: what needs no GPU. With FOVEA_TEST_DEVICE=cuda:0 also what does.</summary>
public sealed class CudaModuleTests
{
    private const string Source = """
        extern "C" __global__ void saxpy(float* y, const float* x, float a, int n) {
          const int i = blockIdx.x * blockDim.x + threadIdx.x;
          if (i < n) y[i] += a * x[i];
        }
        template <class T, int N> __global__ void scale(T* y) { y[threadIdx.x] *= N; }
        """;

    [Fact]
    public void OtherDevicesAreRefusedWithASentence()
    {
        var e = Assert.Throws<DeviceException>(() => CudaModule.Compile(Device.Cpu, Source));
        Assert.Equal((Status.Unsupported, "a CudaModule needs an NVIDIA GPU, cpu is none"), (e.Status, e.Message));
        Emulated.StreamOrSkip().Dispose();
        e = Assert.Throws<DeviceException>(() => CudaModule.Load(Device.CudaEmulated, new CudaImage(".version 8.0"u8)));
        Assert.Equal(Status.Unsupported, e.Status);
        Assert.Contains("source cannot be compiled at run time there", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => CudaModule.Compile(null!, Source));
    }

    [Fact]
    public void WithoutADriverOrNvrtcTheMessageSaysWhatIsMissing()
    {
        if (!CudaLibraries.Driver.TryLoad(out _))
        {
            var e = Assert.Throws<DeviceException>(CudaModule.RequireDriver);
            Assert.Equal(Status.NotFound, e.Status);
            Assert.StartsWith("no NVIDIA driver: libcuda.so.1 ", e.Message, StringComparison.Ordinal);
        }
        if (!CudaLibraries.Nvrtc.TryLoad(out _))
        {
            var e = Assert.Throws<DeviceException>(() => CudaImage.Compile(Source, new CudaCompileOptions { Architecture = "sm_80" }));
            Assert.Equal(Status.NotFound, e.Status);
            Assert.StartsWith("no NVRTC, the run-time compiler of CUDA: ", e.Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentException>(() => CudaImage.Compile(Source, new CudaCompileOptions()));
        Assert.Throws<ArgumentException>(() => CudaImage.Compile("", new CudaCompileOptions { Architecture = "sm_80" }));
    }

    [Fact]
    public async Task OwnKernelsAgainstADriverThatKeepsTheRules()
    {
        var fake = Path.Combine(Root(), "artifacts/native/tests/tests/Native/plugins", FakeDriverTests.FileName);
        Assert.SkipUnless(File.Exists(fake), "the fake driver was not built");
        Emulated.StreamOrSkip().Dispose();
        var program = Environment.ProcessPath!;
        string[] arguments = ["-class", typeof(FakeDriverTests).FullName!];
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") arguments = [typeof(CudaModuleTests).Assembly.Location, .. arguments];
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[CudaLibraries.DriverPathVariable] = fake;
        start.Environment.Remove("FOVEA_TEST_DEVICE");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await errors);
        Assert.Contains("Skipped: 0", output, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void ArgumentsArePackedByTheirBits()
    {
        CudaArgument[] arguments = [-1, 1u, -2L, 3ul, 1.5f, 2.5, (Half)1, true, (byte)7, (nint)9, (DeviceTensor?)null, CudaArgument.Of(new Vector4(1, 2, 3, 4))];
        Assert.Equal([4, 4, 8, 8, 4, 8, 2, 1, 1, 8, 8, 16], arguments.Select(a => a.Size));
        var values = stackalloc (ulong, ulong)[arguments.Length];
        var pointers = stackalloc void*[arguments.Length];
        CudaArgument.Pack(arguments, values, pointers);
        Assert.Equal((-1, 1u, -2L, 3ul), (*(int*)pointers[0], *(uint*)pointers[1], *(long*)pointers[2], *(ulong*)pointers[3]));
        Assert.Equal((1.5f, 2.5, (Half)1, true), (*(float*)pointers[4], *(double*)pointers[5], *(Half*)pointers[6], *(bool*)pointers[7]));
        Assert.Equal(((byte)7, (nint)9, (nint)0), (*(byte*)pointers[8], *(nint*)pointers[9], *(nint*)pointers[10]));
        Assert.Equal(new Vector4(1, 2, 3, 4), *(Vector4*)pointers[11]);
        Assert.Throws<ArgumentException>(() => CudaArgument.Of<Matrix3x2>(default));
    }

    [Fact]
    public void CountsAreLimitedWithoutTheDriversHelp()
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.Allocate(stream, DType.Float32, 1);
        CudaArgument.Check("k", Device.Cpu, [], sizesAreKnown: false, [x, 1, 2f]);
        Assert.Contains("more than 20 arguments are tensors", Assert.Throws<ArgumentException>(
            () => CudaArgument.Check("k", Device.Cpu, [], sizesAreKnown: false, Enumerable.Repeat<CudaArgument>(x, 21).ToArray())).Message, StringComparison.Ordinal);
        Assert.Contains("at most 128", Assert.Throws<ArgumentException>(
            () => CudaArgument.Check("k", Device.Cpu, [], sizesAreKnown: false, Enumerable.Repeat<CudaArgument>(1, 129).ToArray())).Message, StringComparison.Ordinal);
        Assert.Contains("kernel k takes 0 arguments, 1 were given", Assert.Throws<ArgumentException>(
            () => CudaArgument.Check("k", Device.Cpu, [], sizesAreKnown: true, [1])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, 1, 32, 1, 1, 0, "the grid is (0, 1, 1)")]
    [InlineData(1, 65536, 1, 32, 1, 1, 0, "the grid is (1, 65536, 1)")]
    [InlineData(1, 1, 1, 0, 1, 1, 0, "the block is (0, 1, 1)")]
    [InlineData(1, 1, 1, 1, 1, 65, 0, "the block is (1, 1, 65)")]
    [InlineData(1, 1, 1, 32, 32, 2, 0, "has 2048 threads")]
    [InlineData(1, 1, 1, 32, 1, 1, -1, "-1 bytes of shared memory")]
    public void ImpossibleLaunchesAreRefused(int gx, int gy, int gz, int bx, int by, int bz, int shared, string message)
    {
        var launch = new CudaLaunch(new CudaDim(gx, gy, gz), new CudaDim(bx, by, bz), shared);
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => launch.Check("k", 1024)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneThreadForEachElement()
    {
        Assert.Equal(new CudaLaunch(4, 256), CudaLaunch.For(1000));
        Assert.Equal(new CudaLaunch(4, 250), CudaLaunch.For(1000, 250));
        Assert.Throws<ArgumentOutOfRangeException>(() => CudaLaunch.For(0));
        Assert.Throws<OverflowException>(() => CudaLaunch.For(long.MaxValue));
        var clusters = new CudaLaunch(3, 32) { Cluster = 2 };
        Assert.Contains("does not divide", Assert.Throws<ArgumentException>(() => clusters.Check("k", 1024)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ImagesAreCheckedBeforeTheDriverSeesThem()
    {
        Assert.True(new CudaImage(".version 8.0\n.target sm_80\0"u8).IsPtx);
        Assert.Contains("empty", Refusal([]), StringComparison.Ordinal);
        Assert.Contains("neither PTX", Refusal("hello"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("neither PTX", Refusal(".version\0binary"u8.ToArray()), StringComparison.Ordinal);
        byte[] elf = new byte[64];
        "\u007fELF"u8.CopyTo(elf);
        Assert.Contains("it has 10 of 64 bytes", Refusal(elf[..10]), StringComparison.Ordinal);
        Assert.False(new CudaImage(elf).IsPtx);
        (elf[40], elf[58], elf[60]) = (64, 64, 3); // three section headers from byte 64 on
        Assert.Contains("it has 64 of 256 bytes", Refusal(elf), StringComparison.Ordinal);
        elf.AsSpan(40, 8).Fill(255);
        Assert.Contains("cut short", Refusal(elf), StringComparison.Ordinal);
        byte[] fat = [0x50, 0xED, 0x55, 0xBA, 1, 0, 16, 0, 5, 0, 0, 0, 0, 0, 0, 0];
        Assert.Contains("it has 16 of 21 bytes", Refusal(fat), StringComparison.Ordinal);
        Assert.False(new CudaImage([.. fat, 1, 2, 3, 4, 5]).IsPtx);
    }

    [Fact]
    public void TheArchitectureIsTheBestThatTheCompilerKnows()
    {
        int[] known = [50, 80, 86, 90];
        Assert.Equal("sm_90a", CudaImage.ArchitectureFor(90, known));
        Assert.Equal("sm_86", CudaImage.ArchitectureFor(86, known));
        Assert.Equal("compute_86", CudaImage.ArchitectureFor(89, known));
        Assert.Equal("compute_90", CudaImage.ArchitectureFor(120, known));
        var e = Assert.Throws<DeviceException>(() => CudaImage.ArchitectureFor(35, known));
        Assert.Contains("compute capability 3.5; it knows 50, 80, 86, 90", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ErrorsOfTheDriverBecomeExceptions()
    {
        Assert.Equal(Status.OutOfMemory, CudaErrors.StatusOf(CUresult.CUDA_ERROR_OUT_OF_MEMORY));
        Assert.Equal(Status.DeviceLost, CudaErrors.StatusOf(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS));
        Assert.Equal(Status.Unsupported, CudaErrors.StatusOf(CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU));
        Assert.Equal(Status.Internal, CudaErrors.StatusOf((CUresult)12345));
        Assert.IsType<InvalidOperationException>(CudaErrors.Of(CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "cuLaunchKernel", null));
        CudaErrors.Check(CUresult.CUDA_SUCCESS, "cuInit");
        var e = Assert.IsType<DeviceException>(CudaErrors.Of(CUresult.CUDA_ERROR_INVALID_IMAGE, "cuModuleLoadDataEx", " the log\n"));
        Assert.StartsWith("cuModuleLoadDataEx: CUDA_ERROR_INVALID_IMAGE", e.Message, StringComparison.Ordinal);
        Assert.EndsWith(":\nthe log", e.Message, StringComparison.Ordinal);
        Assert.Equal(Status.InvalidArgument, CudaErrors.Of(nvrtcResult.NVRTC_ERROR_COMPILATION, "nvrtcCompileProgram", null).Status);
    }

    [Fact]
    public void SourceBecomesPtxOrMachineCode()
    {
        Assert.SkipUnless(CudaLibraries.Nvrtc.TryLoad(out var missing), missing ?? "");
        var options = new CudaCompileOptions { Architecture = "compute_80", Kernels = ["scale<float, 3>"] };
        var ptx = CudaImage.Compile(Source, options);
        Assert.True(ptx.IsPtx);
        var text = Encoding.UTF8.GetString(ptx.Bytes.Span);
        Assert.Contains(".target sm_80", text, StringComparison.Ordinal);
        Assert.Contains(".entry saxpy(", text, StringComparison.Ordinal);
        Assert.Contains($".entry {ptx.LoweredNames["scale<float, 3>"]}(", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', text);

        var cubin = CudaImage.Compile(Source, options with { Architecture = "sm_90a" });
        Assert.False(cubin.IsPtx);
        Assert.Equal(cubin.Bytes.ToArray(), new CudaImage(cubin.Bytes.Span).Bytes.ToArray()); // a real cubin passes the checks
        Assert.Throws<ArgumentException>(() => new CudaImage(cubin.Bytes.Span[..^8]));

        var headers = new Dictionary<string, string> { ["value.h"] = "#define VALUE 42" };
        CudaImage.Compile("#include \"value.h\"\nstatic_assert(VALUE == 42 && TILE == 7);", options with { Kernels = [], Headers = headers, Options = ["-DTILE=7"] });
    }

    [Fact]
    public void WhatDoesNotCompileComesWithItsLog()
    {
        Assert.SkipUnless(CudaLibraries.Nvrtc.TryLoad(out var missing), missing ?? "");
        var options = new CudaCompileOptions { Architecture = "sm_80", FileName = "broken.cu" };
        var e = Assert.Throws<DeviceException>(() => CudaImage.Compile("__global__ void f() { undeclared = 1; }", options));
        Assert.Equal((Status.InvalidArgument, "nvrtcCompileProgram"), (e.Status, e.Operation));
        Assert.StartsWith("nvrtcCompileProgram: NVRTC_ERROR_COMPILATION:\nbroken.cu(1): error: identifier \"undeclared\" is undefined", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<DeviceException>(() => CudaImage.Compile(Source, options with { Architecture = "sm_1" }));
        Assert.Contains("gpu-architecture", e.Message, StringComparison.Ordinal);
        Assert.Throws<DeviceException>(() => CudaImage.Compile(Source, options with { Kernels = ["nothing<1>"] }));
    }

    [Fact]
    public void RunsAloneAndInAGraph()
    {
        var name = Environment.GetEnvironmentVariable("FOVEA_TEST_DEVICE");
        Assert.SkipUnless(name is not null && name.StartsWith("cuda:", StringComparison.Ordinal), "needs a GPU: FOVEA_TEST_DEVICE=cuda:0");
        Assert.SkipUnless(CudaLibraries.Nvrtc.TryLoad(out var missing), missing ?? "");
        using var stream = Device.Open(name).CreateStream();
        using var module = CudaModule.Compile(stream.Device, Source, new CudaCompileOptions { Kernels = ["scale<float, 3>"] });
        CudaKernel saxpy = module.GetKernel("saxpy"), scale = module.GetKernel("scale<float, 3>");
        using var x = DeviceTensor.From<float>(stream, Enumerable.Range(0, 1000).Select(i => (float)i).ToArray(), 1000);
        using var y = DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, 1000).ToArray(), 1000);
        saxpy.Launch(stream, CudaLaunch.For(1000), y, x, 2f, 1000);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => 1f + 2 * i), y.ToArray<float>(stream));
        using var capture = stream.BeginCapture();
        scale.Launch(stream, new CudaLaunch(1, 1000), y);
        saxpy.Launch(stream, CudaLaunch.For(1000), y, x, 1f, 1000);
        using var graph = capture.End();
        Assert.Equal(2, graph.NodeCount);
        module.Dispose();
        graph.Replay(stream);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => 3 * (1f + 2 * i) + i), y.ToArray<float>(stream));
    }

    private static string Refusal(byte[] image) => Assert.Throws<ArgumentException>(() => new CudaImage(image)).Message;

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
