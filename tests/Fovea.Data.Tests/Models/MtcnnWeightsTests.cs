using Xunit;

namespace Fovea.Data.Tests;

public class MtcnnWeightsTests
{
    [Theory]
    [InlineData("pnet.tflite", 6632)]
    [InlineData("rnet.tflite", 100178)]
    [InlineData("onet.tflite", 389040)]
    public void RealWeightsHaveEveryParameterOfThePaper(string file, int parameters)
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("mtcnn"), "mtcnn weights are not installed; run ./build/models.sh");
        var model = store.LoadTflite("mtcnn", file);
        var floats = model.Tensors.Where(t => t.IsConstant && t.Type == TfliteElementType.Float32).ToArray();
        Assert.All(floats, t => Assert.All(t.ToFloats(), v => Assert.True(float.IsFinite(v))));
        Assert.Equal(parameters, floats.Sum(t => t.ElementCount));
    }
}
