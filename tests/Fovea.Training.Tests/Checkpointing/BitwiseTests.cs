using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Checkpointing;

/// <summary>Whatever is kept, computed again or moved away: loss, gradients and buffers have the bits of the plain run.</summary>
public sealed class BitwiseTests
{
    public static TheoryData<string> Kinds() => [.. SmallModel.Kinds.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MarkedSegmentsOfEveryLengthAndNested(string kind)
    {
        using var stream = Device.Cpu.CreateStream();
        var expected = Plain(stream, kind);
        for (var length = 1; length <= 3; length++)
        {
            using var model = new SmallModel(stream).Build(kind, (m, x, blocks) => Segments(m, x, blocks, length));
            using var program = model.Tape.Compile(stream, model.Loss);
            Assert.True(program.RecomputedSteps > 0);
            Assert.Equal(expected, model.Run(program));
        }
        using var nested = new SmallModel(stream).Build(kind, Nested);
        using var twice = nested.Tape.Compile(stream, nested.Loss);
        Assert.Equal(expected, nested.Run(twice));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryPlanner(string kind)
    {
        using var stream = Device.Cpu.CreateStream();
        var expected = Plain(stream, kind);
        using var model = new SmallModel(stream).Build(kind);
        var (stages, _) = StepPlan.Measure(stream, model.Tape, model.Loss);
        var chain = stages.Chain;
        var smallest = BudgetPlanner.SmallestPeak(chain);
        var plain = ScheduleSimulator.Run(chain, SegmentPlanner.KeepAll(chain)).PeakBytes;
        var host = new PlannerOptions { Link = new HostLink(1e9, 1e9) };
        IReadOnlyList<ScheduleOp>[] schedules =
        [
            SegmentPlanner.KeepAll(chain),
            SegmentPlanner.Uniform(chain),
            SegmentPlanner.Uniform(chain, 2),
            RecursivePlanner.Plan(chain),
            BinomialPlanner.Plan(chain, 2),
            BudgetPlanner.Plan(chain, smallest),
            BudgetPlanner.Plan(chain, (smallest + plain) / 2),
            BudgetPlanner.Plan(chain, (smallest + plain) / 2, host),
        ];
        foreach (var schedule in schedules)
        {
            using var program = model.Tape.Compile(stream, model.Loss, stages.Order(schedule));
            Assert.Equal(expected, model.Run(program));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ACapturedStepReplays(string kind)
    {
        using var stream = Device.Cpu.CreateStream();
        var expected = Plain(stream, kind);
        using var model = new SmallModel(stream).Build(kind, (m, x, blocks) => Segments(m, x, blocks, 2));
        using var program = model.Tape.Compile(stream, model.Loss);
        model.Run(program);
        foreach (var parameter in model.Parameters) parameter.ClearGradient();
        using var capture = stream.BeginCapture();
        program.Run();
        using var graph = capture.End();
        foreach (var buffer in model.Buffers) buffer.Fill(stream, 0);
        graph.Replay(stream);
        Assert.Equal(expected, model.Read(program));
    }

    // The tests above must be able to fail: here recomputation draws other masks, or moves the running statistics again.
    [Fact]
    public void OtherRandomNumbersWouldBeNoticed()
    {
        using var stream = Device.Cpu.CreateStream();
        const string kind = "transformer with dropout";
        var expected = Plain(stream, kind);
        using var model = new SmallModel(stream).Build(kind, (m, x, blocks) => Segments(m, x, blocks, 1));
        using var program = model.Tape.Compile(stream, model.Loss);
        program.BreaksRandomState = true;
        Assert.NotEqual(expected, model.Run(program));
    }

    [Fact]
    public void BuffersWrittenTwiceWouldBeNoticed()
    {
        using var stream = Device.Cpu.CreateStream();
        const string kind = "convolutions with batch norm";
        var expected = Plain(stream, kind);
        using var model = new SmallModel(stream).Build(kind, (m, x, blocks) => Segments(m, x, blocks, 1));
        using var program = model.Tape.Compile(stream, model.Loss);
        program.BreaksBuffers = true;
        Assert.NotEqual(expected, model.Run(program));
    }

    [Fact]
    public void OnEmulatedCuda()
    {
        using var stream = Emulated.StreamOrSkip();
        foreach (var kind in new[] { "convolutions with batch norm", "transformer with dropout", "mamba" })
        {
            var expected = Plain(stream, kind);
            using var model = new SmallModel(stream).Build(kind, (m, x, blocks) => Segments(m, x, blocks, 2));
            using var program = model.Tape.Compile(stream, model.Loss);
            Assert.Equal(expected, model.Run(program));
        }
    }

    private static float[][] Plain(DeviceStream stream, string kind)
    {
        using var model = new SmallModel(stream).Build(kind);
        using var program = model.Tape.Compile(stream, model.Loss, TapeOrder.KeepAll(model.Tape));
        Assert.Equal(0, program.RecomputedSteps);
        return model.Run(program);
    }

    private static void Segments(SmallModel model, Value x, Func<Value, Value>[] blocks, int length)
    {
        foreach (var segment in blocks.Chunk(length))
        {
            var input = x;
            x = Checkpoint.Run(model.Tape, () => segment.Aggregate(input, (value, block) => block(value)));
        }
        model.Finish(x);
    }

    // All but the last block in one segment, whose blocks are segments of their own.
    private static void Nested(SmallModel model, Value x, Func<Value, Value>[] blocks)
    {
        var input = x;
        x = Checkpoint.Run(model.Tape, () =>
        {
            foreach (var block in blocks[..^1])
            {
                var inner = input;
                input = Checkpoint.Run(model.Tape, () => block(inner));
            }
            return input;
        });
        model.Finish(blocks[^1](x));
    }
}
