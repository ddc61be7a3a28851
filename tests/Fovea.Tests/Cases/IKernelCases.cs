namespace Fovea.Tests.Cases;

/// <summary>The cases of one kernel family. Every implementation in the assembly is found by itself.</summary>
public interface IKernelCases
{
    IEnumerable<KernelCase> Cases { get; }
}
