using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Fovea.Interop;
using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>Process-wide settings, and a description of what was loaded and why.</summary>
public static unsafe class FoveaRuntime
{
    /// <summary>The best instruction set that this processor and build have.</summary>
    public static InstructionSet Detected
    {
        get
        {
            int isa;
            Throw.IfFailed(NativeMethods.fovea_isa_detected(&isa), "isa_detected");
            return (InstructionSet)isa;
        }
    }

    /// <summary>The instruction set in use: the detected one, or what <see cref="ForceInstructionSet"/> or the environment
    /// variable FOVEA_ISA (reference, scalar, avx2, avx512) asked for.</summary>
    public static InstructionSet Active
    {
        get
        {
            int isa;
            Throw.IfFailed(NativeMethods.fovea_isa_active(&isa), "isa_active");
            return (InstructionSet)isa;
        }
    }

    /// <summary>The process-wide pool of CPU threads. Setting it waits for running work. Results do not depend on it.</summary>
    public static ThreadPoolOptions Threads
    {
        get
        {
            fovea_thread_options native;
            Throw.IfFailed(NativeMethods.fovea_threads_query(&native), "threads_query");
            return new ThreadPoolOptions { Count = native.count, SpinMicroseconds = native.spin_microseconds, Pin = native.pin != 0 };
        }
        set
        {
            var native = new fovea_thread_options { count = value.Count, spin_microseconds = value.SpinMicroseconds, pin = value.Pin ? 1 : 0 };
            Throw.IfFailed(NativeMethods.fovea_threads_configure(&native), "threads_configure");
        }
    }

    /// <summary>Makes the whole process use an instruction set; null returns to the detected one. Graphs keep the set they were
    /// captured with.</summary>
    /// <exception cref="DeviceException">The processor lacks it.</exception>
    public static void ForceInstructionSet(InstructionSet? instructionSet) =>
        Throw.IfFailed(NativeMethods.fovea_isa_force(instructionSet is { } isa ? (int)isa : -1), "isa_force");

    /// <summary>Text for bug reports: every path tried for the native library and why it failed, versions, instruction sets,
    /// threads, backends with their refusals, devices, the NVIDIA driver and NVRTC. Never throws because of a missing
    /// library.</summary>
    public static string Describe()
    {
        var text = new StringBuilder();
        string? failure = null;
        try
        {
            _ = NativeMethods.fovea_abi_version();
        }
        catch (DllNotFoundException e)
        {
            failure = e.Message;
        }
        Line(text, "library", NativeLibraryResolver.LoadedPath ?? "not loaded");
        foreach (var attempt in NativeLibraryResolver.Attempts) Line(text, "tried", attempt.ToString());
        if (failure is not null)
        {
            Line(text, "failure", failure);
            return text.ToString();
        }
        Line(text, "abi", string.Create(CultureInfo.InvariantCulture, $"{NativeMethods.fovea_abi_version()}, these bindings {NativeMethods.FOVEA_ABI_VERSION}"));
        Line(text, "build", Marshal.PtrToStringUTF8((nint)NativeMethods.fovea_build_info()) ?? "");
        Line(text, "runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Line(text, "isa", $"{Active} active, {Detected} detected");
        var threads = Threads;
        Line(text, "threads", string.Create(CultureInfo.InvariantCulture,
            $"{threads.Count}, spin {threads.SpinMicroseconds} us, {(threads.Pin ? "pinned" : "not pinned")}"));
        foreach (var backend in Device.Backends)
            Line(text, "backend", $"{backend.Name} ({backend.Origin}): " + (backend.RefusalReason is { } reason
                ? "refused: " + reason
                : string.Create(CultureInfo.InvariantCulture, $"{backend.DeviceCount} device(s)")));
        foreach (var name in Device.Names) Line(text, "device", $"{name}: {Describe(name)}");
        Line(text, "driver", CudaLibraries.Driver.TryLoad(out failure)
            ? $"CUDA {CudaLibraries.VersionText(CudaLibraries.DriverVersion())} ({CudaLibraries.Driver.LoadedPath})"
            : failure!);
        Line(text, "nvrtc", CudaLibraries.Nvrtc.TryLoad(out failure)
            ? $"CUDA {CudaProgram.Version()} ({CudaLibraries.Nvrtc.LoadedPath})"
            : failure!);
        return text.ToString();
    }

    private static string Describe(string name)
    {
        try
        {
            var info = Device.Open(name).Describe();
            var units = info.Type == DeviceType.Cpu ? "processors" : "multiprocessors";
            return string.Create(CultureInfo.InvariantCulture,
                $"{info.Name}, {info.ComputeUnits} {units}, {info.MemoryBytes >> 20} MiB, {info.Detail}");
        }
        catch (DeviceException e)
        {
            return "FAILED, " + e.Message;
        }
    }

    private static void Line(StringBuilder text, string name, string value) =>
        text.Append(name.PadRight(10)).Append(value).Append('\n');
}
