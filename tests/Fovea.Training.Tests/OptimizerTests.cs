namespace Fovea.Training.Tests;

public sealed class OptimizerTests
{
    [Fact]
    public void ManyParametersAtOnceEqualOneByOne()
    {
        using var stream = Device.Cpu.CreateStream();
        var options = new OptimizerOptions { Kind = OptimizerKind.AdamW, WeightDecay = 0.1f };
        using var together = Parameters(stream);
        using var all = new Optimizer(stream, options, together.List);
        var alone = new List<float[]>();
        for (var i = 0; i < together.List.Length; i++)
        {
            using var set = Parameters(stream);
            using var one = new Optimizer(stream, options, [set.List[i]]);
            for (var step = 0; step < 3; step++)
            {
                SetGradients(stream, set.List, step);
                one.Step(0.01f);
            }
            alone.Add(set.List[i].Value.ToArray<float>(stream));
        }
        for (var step = 0; step < 3; step++)
        {
            SetGradients(stream, together.List, step);
            all.Step(0.01f);
        }
        Assert.Equal(alone, together.List.Select(p => p.Value.ToArray<float>(stream)));
    }

    [Fact]
    public void NoDecayWhereItIsNotWanted()
    {
        using var stream = Device.Cpu.CreateStream();
        using var weight = new Parameter("weight", DeviceTensor.From<float>(stream, [1], 1));
        using var bias = new Parameter("bias", DeviceTensor.From<float>(stream, [1], 1)) { Decays = false };
        using var optimizer = new Optimizer(stream, new OptimizerOptions { Kind = OptimizerKind.Sgd, WeightDecay = 0.5f }, [weight, bias]);
        foreach (var parameter in optimizer.Parameters) parameter.BeginGradient(stream).Fill(stream, 0);
        optimizer.Step(0.1f);
        Assert.Equal([0.95f], weight.Value.ToArray<float>(stream));
        Assert.Equal([1f], bias.Value.ToArray<float>(stream));
    }

    [Fact]
    public void ClippingScalesAllGradientsAndSkipsOverflows()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = new Parameter("p", DeviceTensor.From<float>(stream, [0, 0], 2));
        using var optimizer = new Optimizer(stream, new OptimizerOptions { Kind = OptimizerKind.Sgd }, [p]);
        p.BeginGradient(stream).CopyFrom<float>(stream, [30, 40]);
        optimizer.Step(1, maxNorm: 5);
        Assert.Equal(50, optimizer.GradientNorm);
        var moved = p.Value.ToArray<float>(stream);
        Assert.Equal(-3, moved[0], 1e-5f);
        Assert.Equal(-4, moved[1], 1e-5f);

        p.BeginGradient(stream).CopyFrom<float>(stream, [float.PositiveInfinity, 0]);
        optimizer.Step(1, maxNorm: 5);
        Assert.Equal(moved, p.Value.ToArray<float>(stream));

        // Gradients of a scaled loss: the scale is taken out before the norm is compared.
        p.BeginGradient(stream).CopyFrom<float>(stream, [1024, 0]);
        optimizer.Step(1, maxNorm: 5, gradientScale: 1024);
        Assert.Equal(moved[0] - 1, p.Value.ToArray<float>(stream)[0], 1e-5f);
    }

    [Fact]
    public void Schedules()
    {
        var cosine = LearningRate.Cosine(1e-3f, 0, 10);
        Assert.Equal([1e-3f, 5e-4f, 0], new[] { cosine(0), cosine(5), cosine(10) }.Select(x => MathF.Round(x, 6)));
        var noam = LearningRate.Noam(512, 4000);
        Assert.Equal(Math.Pow(512, -0.5) * Math.Pow(4000, -0.5), noam(3999), 1e-9);
        Assert.True(noam(3998) < noam(3999) && noam(4000) < noam(3999));
        var warm = LearningRate.WarmUp(4, LearningRate.Constant(1));
        Assert.Equal([0.25f, 0.5f, 0.75f, 1, 1], Enumerable.Range(0, 5).Select(i => warm(i)));
        Assert.Equal([1f, 0.5f, 0.25f], new long[] { 2, 3, 9 }.Select(LearningRate.MultiStep(1, 0.5f, 9, 3)));
        Assert.Equal(0.25f, LearningRate.Polynomial(1, 0, 10, 2)(5));
        var cycle = LearningRate.OneCycle(1, 100);
        Assert.Equal(0.04f, cycle(0), 1e-6f);
        Assert.Equal(1, cycle(29), 1e-6f);
        Assert.Equal(4e-6f, cycle(99), 1e-7f);
    }

    // systems brief: decay 0.9 on 1, 2, 3 from 0 gives 0.1, 0.29, 0.561; the ramp's values.
    [Fact]
    public void Averages()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = DeviceTensor.From<float>(stream, [0], 1);
        using var average = new MovingAverage(stream, [("p", p)], _ => 0.9f);
        float[] expected = [0.1f, 0.29f, 0.561f];
        for (var i = 0; i < 3; i++)
        {
            p.CopyFrom<float>(stream, [i + 1]);
            average.Update();
            Assert.Equal(expected[i], average.Averages.Single().Tensor.ToArray<float>(stream)[0], 1e-6f);
        }
        average.Swap();
        Assert.Equal(0.561f, p.ToArray<float>(stream)[0], 1e-6f);
        average.Swap();
        Assert.Equal(3, p.ToArray<float>(stream)[0]);
        Assert.Equal(0.00049983f, MovingAverage.Ramp(0.9999f)(1), 1e-8f);
        Assert.Equal(0.63205735f, MovingAverage.Ramp(0.9999f)(2000), 1e-7f);
    }

    [Fact]
    public void LossScales()
    {
        var scale = new LossScale(1024, growAfter: 2);
        Assert.True(scale.Update(1));
        Assert.True(scale.Update(1));
        Assert.Equal(2048, scale.Value);
        Assert.False(scale.Update(float.NaN));
        Assert.Equal((1024, 0), (scale.Value, scale.CleanSteps));
    }

    private static void SetGradients(DeviceStream stream, Parameter[] parameters, int step)
    {
        foreach (var parameter in parameters)
        {
            using var gradient = Tensors.Random(stream, step * 100 + parameter.Name.Length, parameter.Spec.Shape);
            Kernels.Copy(stream, gradient, parameter.BeginGradient(stream));
        }
    }

    private static ParameterSet Parameters(DeviceStream stream) =>
        new([new("a", Tensors.Random(stream, 1, 3, 5)), new("bb", Tensors.Random(stream, 2, 17)), new("ccc", Tensors.Random(stream, 3, 2, 2, 2))]);

    private sealed record ParameterSet(Parameter[] List) : IDisposable
    {
        public void Dispose()
        {
            foreach (var parameter in List) parameter.Dispose();
        }
    }
}
