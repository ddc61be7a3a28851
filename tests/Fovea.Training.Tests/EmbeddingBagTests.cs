namespace Fovea.Training.Tests;

public sealed class EmbeddingBagTests
{
    // Rows {1 * 2, 3 * 0.5}, {} and {1 * -1}, the first divided by 4: small halves, all exact.
    [Fact]
    public void WeightsAndDivisorsAreConstants()
    {
        using var stream = Device.Cpu.CreateStream();
        using var table = new Parameter("table", DeviceTensor.From<float>(stream, [1, 2, 3, 4, 5, 6, 7, 8], 4, 2));
        using var ids = DeviceTensor.From<long>(stream, [1, 3, 1, -1], 4);
        using var rows = DeviceTensor.From<int>(stream, [0, 0, 2, -1], 4);
        using var weights = DeviceTensor.From<float>(stream, [2, 0.5f, -1, 0], 4, 1);
        using var divisors = DeviceTensor.From<float>(stream, [4, 1, 1], 3, 1);
        using var u = DeviceTensor.From<float>(stream, [1, 2, 4, 8, 16, 32], 1, 6);
        var tape = new Tape();
        var y = tape.Use(table).EmbeddingBag(tape.Input(ids), tape.Input(rows), 3, tape.Input(weights), tape.Input(divisors));
        using var program = tape.Compile(stream, y.Reshape(1, 6).Linear(tape.Input(u)).Reshape(), null, y);
        program.Run();
        Assert.Equal([(6 + 3.5f) / 4, (8 + 4f) / 4, 0, 0, -3, -4], program.Read(y).ToArray<float>(stream));
        // d table[1] = 2/4 * (1, 2) - (16, 32), d table[3] = 0.5/4 * (1, 2).
        Assert.Equal([0, 0, -15.5f, -31, 0, 0, 0.125f, 0.25f], table.Gradient.ToArray<float>(stream));
    }

    [Fact]
    public void WrongShapesAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var table = DeviceTensor.From<float>(stream, [1, 2], 1, 2);
        using var three = DeviceTensor.From<int>(stream, [0, 0, 0], 3);
        using var two = DeviceTensor.From<int>(stream, [0, 0], 2);
        using var floats = DeviceTensor.From<float>(stream, [1, 1, 1], 3);
        var tape = new Tape();
        var (t, ids, rows, w) = (tape.Input(table), tape.Input(three), tape.Input(two), tape.Input(floats));
        Assert.Throws<ArgumentException>(() => t.EmbeddingBag(ids, rows, 3));
        Assert.Throws<ArgumentException>(() => t.EmbeddingBag(w, ids, 3));
        Assert.Contains("weights", Assert.Throws<ArgumentException>(() => t.EmbeddingBag(ids, ids, 3, w)).Message);
        Assert.Contains("divisors", Assert.Throws<ArgumentException>(() => t.EmbeddingBag(ids, ids, 2, default, w.Reshape(3, 1))).Message);
    }
}
