using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class EmbeddingLossTests
{
    // Image 0 has three objects of tags (0, .2), (.5, .5) and (3, 2): means .1, .5 and 2.5. Image 1 has one, (1, 2), and two empty places.
    private static readonly float[] TopLeft = [0, 0.5f, 3, 1, 7, 7], BottomRight = [0.2f, 0.5f, 2, 2, -7, 7];

    [Fact]
    public void EqualTheirFormulas()
    {
        // (.1^2 + .1^2 + 0 + .5^2 + .5^2)/3.0001 + (.5^2 + .5^2)/1.0001.
        Assert.Equal(0.52 / 3.0001 + 0.5 / 1.0001, Run(EmbeddingLosses.Pull, PullWeights, 6, 1).Loss, 6);
        // Only means .1 and .5 are nearer than 1, both ways: 2 * .6/(3 * 2). One object alone has nobody to push.
        Assert.Equal(0.2, Run(EmbeddingLosses.Push, PushWeights, 2, 3, 3).Loss, 6);
    }

    [Fact]
    public void GradientsPullTogetherAndPushApart()
    {
        var pull = Run(EmbeddingLosses.Pull, PullWeights, 6, 1);
        // d (t - b)^2/2 = t - b.
        Assert.Equal([-0.2 / 3.0001, 0, 1 / 3.0001, -1 / 1.0001, 0, 0], pull.Gradient, Near);
        var push = Run(EmbeddingLosses.Push, PushWeights, 2, 3, 3);
        // Each of the two ordered pairs moves the mean by 1/6, a tag by half of that.
        Assert.Equal([1 / 6.0, -1 / 6.0, 0, 0, 0, 0], push.Gradient, Near);
    }

    private static float[] PullWeights => [1 / 3.0001f, 1 / 3.0001f, 1 / 3.0001f, 1 / 1.0001f, 0, 0];

    private static float[] PushWeights => [.. new[] { 0f, 1, 1, 1, 0, 1, 1, 1, 0 }.Select(w => w / 6), .. new float[9]];

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-6;

    private static (float Loss, double[] Gradient) Run(Func<Value, Value, Value, Value> loss, float[] weights, params long[] shape)
    {
        using var stream = Device.Cpu.CreateStream();
        using var topLeft = DeviceTensor.From<float>(stream, TopLeft, 6, 1);
        using var bottomRight = DeviceTensor.From<float>(stream, BottomRight, 6, 1);
        using var weight = DeviceTensor.From<float>(stream, weights, shape);
        var tape = new Tape();
        var x = tape.Input(topLeft, requiresGradient: true);
        using var program = tape.Compile(stream, loss(x, tape.Input(bottomRight), tape.Input(weight)));
        program.Run();
        return (program.ReadLoss(), [.. program.Gradient(x).ToArray<float>(stream).Select(v => (double)v)]);
    }
}
