using Fovea.Models.Sequences;
using Fovea.Tests.Support;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences;

/// <summary>What every layer with a parallel and a streaming form must show.</summary>
internal static class SequenceChecks
{
    /// <summary>Values in (-1, 1) by index.</summary>
    public static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)(2 * random.NextDouble() - 1);
        return values;
    }

    /// <summary>The parallel form of a layer on x [batch, length, width].</summary>
    public static float[] Parallel(DeviceStream stream, Module layer, float[] x, params ReadOnlySpan<long> shape)
    {
        using var input = DeviceTensor.From<float>(stream, x, shape);
        var tape = new Tape();
        var y = layer.Forward(tape.Input(input));
        using var program = tape.Compile(stream, y.Sum(), null, y);
        program.Run();
        return program.Read(y).ToArray<float>(stream);
    }

    /// <summary>The streaming form in pieces of these lengths.</summary>
    public static float[] Streamed(DeviceStream stream, SequenceModule layer, float[] x, int batch, int width, params ReadOnlySpan<int> pieces)
    {
        using var state = new SequenceState(stream, batch);
        using var streaming = layer.ToStreaming(state);
        var length = x.Length / (batch * width);
        float[] result = [];
        var done = 0;
        foreach (var piece in pieces)
        {
            using var input = DeviceTensor.From<float>(stream, Slice(x, batch, length, width, done, piece), batch, piece, width);
            using var output = streaming.Forward(stream, input);
            var y = output.ToArray<float>(stream);
            var last = y.Length / (batch * piece);
            if (result.Length == 0) result = new float[batch * length * last];
            for (var b = 0; b < batch; b++)
                y.AsSpan(b * piece * last, piece * last).CopyTo(result.AsSpan((b * length + done) * last));
            done += piece;
        }
        Assert.Equal(length, done);
        return result;
    }

    /// <summary>Positions [start, start + count) of every sequence.</summary>
    public static float[] Slice(float[] x, int batch, int length, int width, int start, int count)
    {
        var slice = new float[batch * count * width];
        for (var b = 0; b < batch; b++)
            x.AsSpan((b * length + start) * width, count * width).CopyTo(slice.AsSpan(b * count * width));
        return slice;
    }

    /// <summary>Equal up to a few roundings of sums of the size of the largest value.</summary>
    public static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var scale = Math.Max(1e-3, expected.Max(Math.Abs));
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"element {i}: {actual[i]}, expected {expected[i]} (scale {scale})");
    }

    /// <summary>Parallel = streaming in pieces = streaming token by token; a later token changes nothing before it.</summary>
    public static void FormsAgree(DeviceStream stream, SequenceModule layer, int width, double tolerance)
    {
        const int Batch = 2, Length = 23;
        var x = Values(Batch * Length * width, 7);
        var parallel = Parallel(stream, layer, x, Batch, Length, width);
        AssertClose(parallel, Streamed(stream, layer, x, Batch, width, Length), tolerance);
        AssertClose(parallel, Streamed(stream, layer, x, Batch, width, 1, 9, 2, 11), tolerance);
        AssertClose(parallel, Streamed(stream, layer, x, Batch, width, [.. Enumerable.Repeat(1, Length)]), tolerance);

        var later = (float[])x.Clone();
        later.AsSpan(^width..).Fill(3); // the last position of the last sequence
        var changed = Parallel(stream, layer, later, Batch, Length, width);
        var last = parallel.Length / (Batch * Length);
        Assert.Equal(parallel[..^last], changed[..^last]);
        Assert.NotEqual(parallel[^last..], changed[^last..]);
    }

    /// <summary>A captured step allocates nothing, a saved state goes on bit for bit, and a stream of a batch equals the stream
    /// alone.</summary>
    public static void StreamsKeepTheirState(DeviceStream stream, SequenceModule layer, int width)
    {
        const int Streams = 3, Steps = 40;
        var x = Values(Streams * Steps * width, 9);
        using var state = new SequenceState(stream, Streams);
        using var streaming = layer.ToStreaming(state);
        using var session = new SequenceSession(state, streaming, DType.Float32, Streams, 1, width);
        var whole = new float[Steps][];
        byte[] saved = [];
        for (var t = 0; t < Steps; t++)
        {
            if (t == Steps / 2) state.Save(saved = new byte[state.ByteCount]);
            session.Step(Slice(x, Streams, Steps, width, t, 1), whole[t] = new float[session.Output.ElementCount]);
        }
        state.Load(saved);
        var again = new float[session.Output.ElementCount];
        for (var t = Steps / 2; t < Steps; t++)
        {
            session.Step(Slice(x, Streams, Steps, width, t, 1), again);
            Assert.Equal(whole[t], again);
        }

        using var single = new SequenceState(stream, 1);
        using var aloneLayer = layer.ToStreaming(single);
        using var alone = new SequenceSession(single, aloneLayer, DType.Float32, 1, 1, width);
        var y = new float[alone.Output.ElementCount];
        for (var t = 0; t < Steps; t++)
        {
            alone.Step<float>(x.AsSpan((Steps + t) * width, width), y); // the second stream
            AssertClose(whole[t][y.Length..(2 * y.Length)], y, 2e-6);
        }

        state.Reset();
        var first = Slice(x, Streams, Steps, width, 0, 1);
        session.Step<float>(first, again);
        Assert.Equal(whole[0], again);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var t = 0; t < 10; t++) session.Step<float>(first, again);
        }));
    }
}
