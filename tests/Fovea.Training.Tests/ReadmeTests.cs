using System.Runtime.CompilerServices;

namespace Fovea.Training.Tests;

/// <summary>The training example of the README, compiled and run; the text of both must be the same.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void TheExampleLearns()
    {
        var losses = Example();
        Assert.True(losses[^1] < losses[0] / 4, $"loss {losses[0]} became {losses[^1]}");
    }

    [Fact]
    public void TheReadmeShowsExactlyThisExample() =>
        Assert.Contains(ExampleText(), File.ReadAllText(Path.Combine(Checkout.Root, "README.md")), StringComparison.Ordinal);

    private static List<float> Example()
    {
        var losses = new List<float>();
        // begin
        using var stream = Device.Cpu.CreateStream();
        using var images = RandomTensor(stream, 1, 256, 64);
        using var labels = DeviceTensor.From<int>(stream, Enumerable.Range(0, 256).Select(i => i % 10).ToArray(), 256);
        using var w1 = new Parameter("w1", RandomTensor(stream, 2, 128, 64));
        using var w2 = new Parameter("w2", RandomTensor(stream, 3, 10, 128));

        var tape = new Tape(); // records; nothing runs yet
        var hidden = tape.Input(images).Linear(tape.Use(w1)).Activate(Activation.Gelu).Dropout(0.1f);
        var loss = hidden.Linear(tape.Use(w2)).CrossEntropy(tape.Input(labels));

        using var optimizer = new Optimizer(stream, new OptimizerOptions { WeightDecay = 0.01f }, [w1, w2]);
        var plan = StepPlan.WithinBudget(stream, tape, loss, budgetBytes: 2 << 20);
        using var step = tape.Compile(stream, loss, plan.Order);
        Console.WriteLine(plan.Explain()); // per tensor: kept, recomputed or offloaded, bytes, milliseconds

        for (var i = 0; i < 100; i++)
        {
            step.SetRandomState(seed: 1, offset: (long)i << 32);
            optimizer.ClearGradients();
            step.Run();
            optimizer.Step(learningRate: 3e-3f, maxNorm: 1);
            losses.Add(step.ReadLoss());
        }
        // end
        return losses;
    }

    private static DeviceTensor RandomTensor(DeviceStream stream, int seed, params ReadOnlySpan<long> shape) => Tensors.Random(stream, seed, shape);

    private static string ExampleText([CallerFilePath] string file = "")
    {
        string[] lines = File.ReadAllLines(file);
        int begin = Array.FindIndex(lines, l => l.Trim() == "// begin"), end = Array.FindIndex(lines, l => l.Trim() == "// end");
        return string.Join('\n', lines[(begin + 1)..end].Select(l => l.Length == 0 ? l : l[8..]));
    }
}
