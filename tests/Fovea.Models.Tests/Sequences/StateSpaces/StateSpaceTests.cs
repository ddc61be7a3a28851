using Fovea.Models.Sequences;
using Fovea.Models.Sequences.StateSpaces;
using Fovea.Tests.Support;
using Fovea.Training;
using Fovea.Training.Tests;

namespace Fovea.Models.Tests.Sequences.StateSpaces;

/// <summary>S4D, S4 and LRU as layers: parallel and streaming forms, long streams, gradients.</summary>
public sealed class StateSpaceTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    // A decay is rounded by 2^-24 and remembered for up to some hundred steps.
    private const double Tolerance = 2e-5;

    public static TheoryData<string> Layers => ["s4d exact Lin", "s4d exact Inv", "s4d exact LegS", "s4d exact Real", "s4d bilinear LegS", "s4d bilinear Real", "s4", "lru", "s4d block", "s4 block", "lru block"];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Forms(string kind)
    {
        using var layer = Make(kind, width: 6, states: 8);
        SequenceChecks.FormsAgree(_stream, layer, 6, Tolerance);
        SequenceChecks.StreamsKeepTheirState(_stream, layer, 6);
    }

    // Long enough for transforms, whose error is one of the whole sequence.
    [Theory]
    [InlineData("s4d exact Lin")]
    [InlineData("s4")]
    [InlineData("lru")]
    public void LongSequencesInPieces(string kind)
    {
        const int Length = 400;
        using var layer = Make(kind, width: 3, states: 4);
        var x = SequenceChecks.Values(Length * 3, 4);
        SequenceChecks.AssertClose(SequenceChecks.Parallel(_stream, layer, x, 1, Length, 3),
            SequenceChecks.Streamed(_stream, layer, x, 1, 3, 170, 1, 229), 1e-4);
    }

    [Theory]
    [InlineData("s4d block")]
    [InlineData("lru block")]
    public void LongStreamsNeedNoMoreMemory(string kind)
    {
        using var layer = Make(kind, width: 4, states: 4);
        using var state = new SequenceState(_stream, 1);
        using var streaming = layer.ToStreaming(state);
        using var step = new SequenceSession(state, streaming, DType.Float32, 1, 1, 4);
        float[] x = [0.5f, -0.25f, 1, 0], y = new float[4];
        _stream.Pool.ResetPeak();
        var before = _stream.Pool.Statistics.PeakInUseBytes;
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var t = 0; t < 2_000; t++) step.Step<float>(x, y); // ten rounds of them
        }));
        Assert.Equal(before, _stream.Pool.Statistics.PeakInUseBytes);
        Assert.All(y, v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData("s4d exact Lin")]
    [InlineData("s4d bilinear Lin")]
    [InlineData("s4")]
    [InlineData("lru")]
    public void GradientsAreFiniteDifferences(string kind)
    {
        const int Length = 5, Width = 2;
        using var layer = Make(kind, Width, states: 4);
        using var input = DeviceTensor.From<float>(_stream, SequenceChecks.Values(2 * Length * Width, 1), 2, Length, Width);
        var weights = SequenceChecks.Values(2 * Length * Width, 2);
        using var weightTensor = DeviceTensor.From<float>(_stream, weights, 2, Length, Width);
        var tape = new Tape();
        var y = layer.Forward(tape.Input(input));
        using var program = tape.Compile(_stream, y.Multiply(tape.Input(weightTensor)).Sum(), null, y);
        program.Run();
        // Read at once: later runs add to them.
        (Parameter, float[])[] gradients = [.. layer.Parameters.Select(p => (p, p.Gradient.ToArray<float>(_stream)))];
        foreach (var (parameter, gradient) in gradients)
        {
            var values = parameter.Value.ToArray<float>(_stream);
            for (var i = 0; i < values.Length; i++)
            {
                var (kept, element) = (values[i], i);
                // Two step sizes give an error of fourth order, 1e-7 of the fifth derivative; f32 results of size 1 leave some 1e-7 / h.
                var slope = (4 * Slope(1f / 64) - Slope(1f / 32)) / 3;
                Assert.True(Math.Abs(slope - gradient[i]) < 1e-4 * Math.Max(1, Math.Abs(slope)), $"{parameter.Name}[{i}]: {gradient[i]}, slope {slope}");

                double Slope(float h) => (Loss(kept + h) - Loss(kept - h)) / ((double)(kept + h) - (kept - h));
                double Loss(float value)
                {
                    values[element] = value;
                    parameter.Value.CopyFrom<float>(_stream, values);
                    program.Run();
                    var result = program.Read(y).ToArray<float>(_stream);
                    values[element] = kept;
                    parameter.Value.CopyFrom<float>(_stream, values);
                    return result.Zip(weights, (a, b) => (double)a * b).Sum();
                }
            }
        }
    }

    // (e^z - 1) / A of a step of 1e-6 would keep one digit if 1 were subtracted in f32.
    [Theory]
    [InlineData(Discretization.Exact)]
    [InlineData(Discretization.Bilinear)]
    public void TinyStepsKeepTheirAccuracy(Discretization rule)
    {
        var options = new S4DOptions(3) { StateSize = 4, Init = S4DInit.Lin, Rule = rule, SmallestStep = 1e-6, LargestStep = 1e-6 };
        using var layer = new S4DLayer(_stream, "s4d", options, new Random(8));
        layer.Parameters.Single(p => p.Name == "s4d.D").Value.Fill(_stream, 0);
        var x = SequenceChecks.Values(11 * 3, 5);
        var (parallel, streamed) = (SequenceChecks.Parallel(_stream, layer, x, 1, 11, 3), SequenceChecks.Streamed(_stream, layer, x, 1, 3, 11));
        var scale = streamed.Max(Math.Abs);
        Assert.InRange(scale, 1e-7, 1e-4);
        for (var i = 0; i < parallel.Length; i++) Assert.Equal(streamed[i], parallel[i], Tolerance * scale);
    }

    [Fact]
    public void DropoutIsForTrainingOnly()
    {
        using var block = GluBlock.Lru(_stream, "block", new LruOptions(4, 3) { LargestRadius = 0.9 }, new Random(2), dropout: 0.5f);
        var x = SequenceChecks.Values(9 * 4, 3);
        var training = SequenceChecks.Parallel(_stream, block, x, 1, 9, 4);
        block.Train(false);
        var evaluating = SequenceChecks.Parallel(_stream, block, x, 1, 9, 4);
        Assert.NotEqual(training, evaluating);
        SequenceChecks.AssertClose(evaluating, SequenceChecks.Streamed(_stream, block, x, 1, 4, 9), Tolerance);
    }

    [Fact]
    public void DecaysAndStepsAreNotDecayed()
    {
        using var s4d = Make("s4d exact LegS", 2, 4);
        using var lru = Make("lru", 2, 4);
        Assert.Equal(["s4d.C.re", "s4d.C.im"], s4d.Parameters.Where(p => p.Decays).Select(p => p.Name));
        Assert.Equal(["lru.B", "lru.C"], lru.Parameters.Where(p => p.Decays).Select(p => p.Name));
        Assert.Throws<ArgumentException>(() => new S4DLayer(_stream, "x", new S4DOptions(2) { Rule = Discretization.Forward }, new Random(1)));
        Assert.Throws<ArgumentException>(() => new S4DLayer(_stream, "x", new S4DOptions(2) { StateSize = 5 }, new Random(1)));
    }

    [Theory]
    [InlineData("s4d exact LegS")]
    [InlineData("s4d bilinear Lin")]
    [InlineData("s4")]
    [InlineData("lru block")]
    public void CudaComputesTheSame(string kind)
    {
        using var gpu = Emulated.StreamOrSkip();
        using var expected = Make(kind, width: 3, states: 4);
        using var layer = Make(kind, width: 3, states: 4, gpu);
        var x = SequenceChecks.Values(2 * 7 * 3, 4);
        SequenceChecks.AssertClose(SequenceChecks.Parallel(_stream, expected, x, 2, 7, 3), SequenceChecks.Parallel(gpu, layer, x, 2, 7, 3), Tolerance);
        SequenceChecks.AssertClose(SequenceChecks.Streamed(_stream, expected, x, 2, 3, 5, 1, 1), SequenceChecks.Streamed(gpu, layer, x, 2, 3, 5, 1, 1), Tolerance);
    }

    private SequenceModule Make(string kind, int width, int states, DeviceStream? on = null)
    {
        var stream = on ?? _stream;
        var (parts, random) = (kind.Split(' '), new Random(6));
        var s4d = new S4DOptions(width) { StateSize = states };
        var s4 = new S4Options(width) { StateSize = states };
        var lru = new LruOptions(width, states) { SmallestRadius = 0.5, LargestRadius = 0.97, LargestPhase = 1 };
        return kind switch
        {
            "s4" => new S4Layer(stream, "s4", s4, random),
            "lru" => new LruLayer(stream, "lru", lru, random),
            "s4d block" => GluBlock.S4D(stream, "block", s4d, random),
            "s4 block" => GluBlock.S4(stream, "block", s4, random),
            "lru block" => GluBlock.Lru(stream, "block", lru, random),
            _ => new S4DLayer(stream, "s4d", s4d with
            {
                Rule = parts[1] == "exact" ? Discretization.Exact : Discretization.Bilinear,
                Init = Enum.Parse<S4DInit>(parts[2]),
            }, random),
        };
    }
}
