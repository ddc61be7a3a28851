using Xunit;

namespace Fovea.Tests.Cases;

/// <summary>Every case of every family in this assembly.</summary>
public static class KernelCases
{
    public static IReadOnlyList<KernelCase> All { get; } =
    [
        .. from type in typeof(KernelCases).Assembly.GetTypes()
           where type.IsClass && typeof(IKernelCases).IsAssignableFrom(type)
           orderby type.Name
           from kernelCase in ((IKernelCases)Activator.CreateInstance(type)!).Cases
           select kernelCase,
    ];

    public static TheoryData<string> Names => [.. All.Select(c => c.Name)];

    public static TheoryData<string> NanNames => [.. All.Where(c => c.PropagatesNan).Select(c => c.Name)];

    public static KernelCase Find(string name) => All.Single(c => c.Name == name);
}
