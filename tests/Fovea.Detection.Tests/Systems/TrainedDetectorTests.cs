using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class TrainedDetectorTests : IDisposable
{
    private static readonly string[] Classes = ["square", "disc, flat", "three\nsides"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-detector-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void AFileBringsTheSameDetectorBack()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = DetectionSystems.Create("fcos", new Initializer(stream, 1), 64, Classes.Length);
        TrainedDetector.Save(stream, InFolder("model"), "fcos", system, Classes);
        using var loaded = TrainedDetector.Load(stream, InFolder("model"));
        Assert.Equal("fcos", loaded.Name);
        Assert.Equal(Classes, loaded.ClassNames);
        Assert.Equal(64, loaded.System.ImageSize);
        Assert.False(loaded.System.IsTraining);
        foreach (var (saved, read) in system.Parameters.Zip(loaded.System.Parameters, (a, b) => (a, b)))
        {
            Assert.Equal(saved.Name, read.Name);
            Assert.Equal(saved.Value.ToArray<float>(stream), read.Value.ToArray<float>(stream));
        }
        Assert.Throws<ArgumentException>(() => TrainedDetector.Save(stream, InFolder("other"), "fcos", system, ["one"]));
    }

    [Theory]
    [InlineData("format", "fovea-training-1", "format")]
    [InlineData("system", "nothing", "no system 'nothing'")]
    [InlineData("image_size", "-32", "no image_size from 1 to 4096")]
    [InlineData("image_size", "1000000000", "no image_size from 1 to 4096")]
    [InlineData("image_size", "33", "multiple of 32")]
    [InlineData("class_count", "2000000000", "no class_count")]
    [InlineData("class_count", "4", "class 3 has no name")]
    [InlineData("class_count", "2", "is not head.classification_head.cls_logits.weight")]
    public void WrongMetadataAreRefused(string key, string value, string message)
    {
        using var stream = Device.Cpu.CreateStream();
        Write(stream, writer => writer.Metadata[key] = value);
        var refused = Assert.Throws<SafetensorsException>(() => TrainedDetector.Load(stream, InFolder("model")));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherTensorsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        Write(stream, writer => writer.Add("more", SafetensorsDType.F32, [1], () => new byte[4]));
        Assert.Contains("tensors", Assert.Throws<SafetensorsException>(() => TrainedDetector.Load(stream, InFolder("model"))).Message, StringComparison.Ordinal);
        Write(stream, _ => { }, SafetensorsDType.I32);
        Assert.Contains("is not F32", Assert.Throws<SafetensorsException>(() => TrainedDetector.Load(stream, InFolder("model"))).Message, StringComparison.Ordinal);
        File.WriteAllBytes(InFolder("model"), File.ReadAllBytes(InFolder("model"))[..1000]);
        Assert.Throws<SafetensorsException>(() => TrainedDetector.Load(stream, InFolder("model")));
        Assert.Throws<FileNotFoundException>(() => TrainedDetector.Load(stream, InFolder("nothing")));
    }

    // A good file, but for what the caller does to it.
    private void Write(DeviceStream stream, Action<SafetensorsWriter> change, SafetensorsDType dtype = SafetensorsDType.F32)
    {
        using var system = DetectionSystems.Create("fcos", new Initializer(stream, 1), 32, Classes.Length);
        var writer = new SafetensorsWriter();
        foreach (var p in system.Parameters) writer.Add(p.Name, dtype, p.Value.Shape, () => new byte[4 * p.Spec.ElementCount]);
        foreach (var (key, value) in new[] { ("format", "fovea-detector-1"), ("system", "fcos"), ("image_size", "32"), ("class_count", "3"), ("class.0", "a"), ("class.1", "b"), ("class.2", "c") })
            writer.Metadata[key] = value;
        change(writer);
        writer.Save(InFolder("model"));
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);
}
