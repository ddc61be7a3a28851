using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Region kernels against results that other projects publish with their tests.</summary>
public sealed class PublicRegionTests
{
    [Fact]
    public void CornerPoolGivesThePublishedMaxima()
    {
        using var stream = Device.Cpu.CreateStream();
        var cases = PublicVectors.ReadOrSkip("corner_pool.json");
        foreach (var vector in cases)
        {
            var name = vector.GetProperty("name").GetString()!;
            var shape = vector.GetProperty("input").Shape();
            using var x = DeviceTensor.From<float>(stream, vector.GetProperty("input").Floats(), 1, shape[0], shape[1], 1);
            using var y = DeviceTensor.Allocate(stream, DType.Float32, 1, shape[0], shape[1], 1);
            Kernels.CornerPool(stream, Enum.Parse<Corner>(name, ignoreCase: true), x, y);
            Assert.Equal(vector.GetProperty("expected").Floats(), y.ToArray<float>(stream));
        }
        Assert.NotEmpty(cases);
    }
}
