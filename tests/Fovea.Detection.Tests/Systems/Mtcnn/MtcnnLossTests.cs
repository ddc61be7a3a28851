using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class MtcnnLossTests
{
    // Seven tenths of five examples are three; the part of a face with the largest loss of all does not count.
    [Theory]
    [InlineData(new[] { 0.1f, 0.9f, 9, 0.4f, 0.5f, 0.2f }, new[] { 0, 1f, 0, 1, 1, 0 })]
    [InlineData(new[] { 0.5f, 0.5f, 9, 0.5f, 0.5f, 0.5f }, new[] { 1f, 1, 0, 1, 0, 0 })]
    [InlineData(new[] { 0.1f, 0.2f, 9, float.NaN, 0.5f, 0.2f }, new[] { 0f, 1, 0, 1, 1, 0 })]
    public void TheHardestExamplesCount(float[] losses, float[] kept) =>
        Assert.Equal(kept.Select(k => k / 3), Hard(losses, [1, 1, 0, 1, 1, 1], 0.7f));

    [Fact]
    public void AtLeastOneExampleCountsWhereThereIsAny()
    {
        Assert.Equal([0f, 1, 0], Hard([1, 2, 3], [1, 1, 0], 0.1f));
        Assert.Equal([0f, 0, 0], Hard([1, 2, 3], [0, 0, 0], 0.7f));
    }

    [Fact]
    public void LossIsTheWeightedSumOfItsTasks()
    {
        using var stream = Device.Cpu.CreateStream();
        var random = new Random(5);
        const int count = 8, columns = 16;
        float[] Numbers(int n) => [.. Enumerable.Range(0, n).Select(_ => (float)(2 * random.NextDouble() - 1))];
        float[] outputs = Numbers(count * columns), deltas = Numbers(count * 4), points = Numbers(count * 10);
        float[] isFace = [1, 1, 0, 0, 0, 0, 1, 0], hasClass = [1, 1, 0, 1, 1, 1, 1, 1];
        float[] hasDeltas = [0.25f, 0.25f, 0.25f, 0, 0, 0, 0.25f, 0], hasPoints = [0.5f, 0, 0, 0, 0, 0, 0.5f, 0];
        var tensors = new List<DeviceTensor>();
        var tape = new Tape();
        Value On(float[] values)
        {
            tensors.Add(DeviceTensor.From<float>(stream, values, count, values.Length / count));
            return tape.Input(tensors[^1], requiresGradient: ReferenceEquals(values, outputs));
        }
        var x = On(outputs);
        var loss = MtcnnLoss.Record(x, new MtcnnTargets(On(isFace), On(hasClass), On(deltas), On(hasDeltas), On(points), On(hasPoints)), 0.7f);
        using var program = tape.Compile(stream, loss.Total);
        program.Run();

        var numbers = outputs.Select(v => (double)v).ToArray();
        Assert.Equal(Expected(numbers), program.ReadLoss(), 1e-5);
        var gradient = program.Gradient(x).ToArray<float>(stream);
        const double h = 1e-6;
        for (var i = 0; i < numbers.Length; i++)
        {
            var at = numbers[i];
            numbers[i] = at + h;
            var above = Expected(numbers);
            numbers[i] = at - h;
            var below = Expected(numbers);
            numbers[i] = at;
            Assert.Equal((above - below) / (2 * h), gradient[i], 1e-5);
        }
        tensors.ForEach(t => t.Dispose());

        double Expected(double[] o)
        {
            // Cross-entropies of the seven that have a class; four of them, the largest, count.
            var hard = Enumerable.Range(0, count).Where(i => hasClass[i] > 0)
                .Select(i => MapChecks.Softplus((isFace[i] > 0 ? -1 : 1) * (o[columns * i + 1] - o[columns * i])))
                .OrderDescending().Take(4).Average();
            var box = Enumerable.Range(0, count).Sum(i => hasDeltas[i] * Enumerable.Range(0, 4).Sum(c => Math.Pow(o[columns * i + 2 + c] - deltas[4 * i + c], 2)));
            var places = Enumerable.Range(0, count).Sum(i => hasPoints[i] * Enumerable.Range(0, 10).Sum(c => Math.Pow(o[columns * i + 6 + c] - points[10 * i + c], 2)));
            return hard + 0.5 * box + places;
        }
    }

    private static float[] Hard(float[] losses, float[] weights, float share)
    {
        using var stream = Device.Cpu.CreateStream();
        using var loss = DeviceTensor.From<float>(stream, losses, losses.Length, 1);
        using var weight = DeviceTensor.From<float>(stream, weights, weights.Length, 1);
        var tape = new Tape();
        var kept = new HardExamplesOperation(share).Record(tape.Input(loss), tape.Input(weight))[0];
        using var program = TapeProgram.Inference(stream, kept);
        program.Run();
        return program.Read(kept).ToArray<float>(stream);
    }
}
