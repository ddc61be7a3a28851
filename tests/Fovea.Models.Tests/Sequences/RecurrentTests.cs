using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Recurrent;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences;

/// <summary>Recurrent layers: published vectors, streaming, both directions, lengths, gate orders.</summary>
public sealed class RecurrentTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Theory]
    [InlineData(RecurrentCell.RnnTanh)]
    [InlineData(RecurrentCell.Lstm)]
    [InlineData(RecurrentCell.Gru)]
    [InlineData(RecurrentCell.GruResetBefore)]
    public void Forms(RecurrentCell cell)
    {
        using var layer = Layer(cell, 7, 10);
        SequenceChecks.FormsAgree(_stream, layer, 7, 1e-5);
        SequenceChecks.StreamsKeepTheirState(_stream, layer, 7);
    }

    // Inputs 1, -0.5, 2 into one unit; the values were computed by hand from the formulas of the papers.
    [Theory]
    [InlineData(RecurrentCell.Lstm, "0.5 -0.3 0.8 0.2", "0.1 0.2 -0.4 0.6", "0 1 0 0", "0 0 0 0", "0.2151508 0.0592108 0.3830125")]
    [InlineData(RecurrentCell.Gru, "0.5 -0.3 0.8", "0.1 0.2 -0.4", "0.1 0 0.05", "0 0.2 0.3", "0.4091392 0.1386088 0.6190944")]
    [InlineData(RecurrentCell.GruResetBefore, "0.5 -0.3 0.8", "0.1 0.2 -0.4", "0.1 0 0.05", "0 0.2 0.3", "0.4293039 0.2094456 0.6483219")]
    public void PublishedVectors(RecurrentCell cell, string weights, string recurrent, string bias, string recurrentBias, string expected)
    {
        using var layer = Layer(cell, 1, 1);
        foreach (var (parameter, values) in layer.Parameters.Zip([weights, recurrent, bias, recurrentBias]))
            parameter.Value.CopyFrom<float>(_stream, Numbers(values));
        var y = SequenceChecks.Streamed(_stream, layer, [1, -0.5f, 2], 1, 1, 2, 1);
        foreach (var (want, got) in Numbers(expected).Zip(y)) Assert.Equal(want, got, 2e-7f);
    }

    [Fact]
    public void ReversedIsForwardOfTheReversedCopy()
    {
        const int Length = 11, Width = 6, Hidden = 5;
        using var bidirectional = new BidirectionalLayer(_stream, "rnn", Options(RecurrentCell.Lstm, Width, Hidden), new Random(4));
        var x = SequenceChecks.Values(Length * Width, 3);
        var both = SequenceChecks.Parallel(_stream, bidirectional, x, 1, Length, Width);

        // The same weights, run forward over the sequence read from its end.
        using var forward = Layer(RecurrentCell.Lstm, Width, Hidden);
        foreach (var (to, from) in forward.Parameters.Zip(bidirectional.Parameters.Skip(4))) Kernels.Copy(_stream, from.Value, to.Value);
        var reversed = Rows(x, Width).Reverse().SelectMany(r => r).ToArray();
        var expected = Rows(SequenceChecks.Parallel(_stream, forward, reversed, 1, Length, Width), Hidden).Reverse().ToArray();
        var second = Rows(both, 2 * Hidden).Select(r => r[Hidden..]).ToArray();
        Assert.Equal(expected, second);
    }

    [Fact]
    public void ShortSequencesOfABatchEqualThemselvesAlone()
    {
        const int Length = 9, Width = 4, Hidden = 3;
        using var layer = new BidirectionalLayer(_stream, "rnn", Options(RecurrentCell.Gru, Width, Hidden), new Random(5));
        var x = SequenceChecks.Values(2 * Length * Width, 8);
        using var input = DeviceTensor.From<float>(_stream, x, 2, Length, Width);
        using var lengths = DeviceTensor.From<int>(_stream, [Length, 4], 2);
        var tape = new Tape();
        var y = layer.Forward(tape.Input(input), tape.Input(lengths));
        using var program = tape.Compile(_stream, y.Sum(), null, y);
        program.Run();
        var batch = program.Read(y).ToArray<float>(_stream);
        var alone = SequenceChecks.Parallel(_stream, layer, x[(Length * Width)..((Length + 4) * Width)], 1, 4, Width);
        SequenceChecks.AssertClose(alone, batch[(Length * 2 * Hidden)..((Length + 4) * 2 * Hidden)], 1e-6);
        Assert.All(batch[((Length + 4) * 2 * Hidden)..], v => Assert.Equal(0, v));
    }

    [Fact]
    public void GateOrders()
    {
        Assert.Equal([1f, 3, 4, 2], Gates.Reorder(RecurrentCell.Lstm, GateOrder.Onnx, [1, 2, 3, 4], 1)); // i o f c -> i f g o
        Assert.Equal([3f, 4, 1, 2, 5, 6], Gates.Reorder(RecurrentCell.Gru, GateOrder.Onnx, [1, 2, 3, 4, 5, 6], 2)); // z r h -> r z n
        Assert.Equal([2f, 1, 3], Gates.Reorder(RecurrentCell.Gru, GateOrder.Keras, [1, 2, 3], 1));
        Assert.Equal([1f, 2, 3, 4], Gates.Reorder(RecurrentCell.Lstm, GateOrder.Keras, [1, 2, 3, 4], 1));
        Assert.Contains("3 gates", Assert.Throws<ArgumentException>(() => Gates.Reorder(RecurrentCell.Gru, GateOrder.Onnx, new float[4], 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes()
    {
        using var layer = Layer(RecurrentCell.Lstm, 7, 10);
        Assert.Equal(Gates.ParameterCount(RecurrentCell.Lstm, 7, 10), layer.Parameters.Sum(p => p.Value.ElementCount));
        Assert.Equal(3 * (128 * 64 + 128 * 128 + 2 * 128), Gates.ParameterCount(RecurrentCell.Gru, 64, 128));
        using var reversed = new RecurrentLayer(_stream, "r", Options(RecurrentCell.Lstm, 7, 10) with { Reverse = true }, new Random(1));
        using var state = new SequenceState(_stream, 1);
        Assert.Throws<InvalidOperationException>(() => reversed.ToStreaming(state));
    }

    private static RecurrentOptions Options(RecurrentCell cell, int input, int hidden) => new() { Cell = cell, InputSize = input, HiddenSize = hidden };

    private static float[] Numbers(string text) => [.. text.Split(' ').Select(float.Parse)];

    private static IEnumerable<float[]> Rows(float[] x, int width) => x.Chunk(width);

    private RecurrentLayer Layer(RecurrentCell cell, int input, int hidden) => new(_stream, "rnn", Options(cell, input, hidden), new Random(1));
}
