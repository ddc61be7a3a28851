using Fovea.Training;

namespace Fovea.Models.Tests;

/// <summary>What holds for a network whose number of parameters is known.</summary>
internal static class ParameterCount
{
    /// <summary>It has so many parameters, and every tensor has a name of its own.</summary>
    public static void Is(long expected, Module model)
    {
        Assert.Equal(expected, model.Parameters.Sum(p => p.Spec.ElementCount));
        string[] names = [.. model.Parameters.Select(p => p.Name), .. model.Buffers.Select(b => b.Name)];
        Assert.Equal(names.Length, names.Distinct().Count());
    }
}
