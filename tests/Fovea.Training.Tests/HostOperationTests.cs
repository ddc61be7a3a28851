namespace Fovea.Training.Tests;

public sealed class HostOperationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // outputs and inputs pass through host arrays
    public void ComputesOnTheHostWithoutAGradient(bool emulated)
    {
        using var stream = emulated ? Emulated.StreamOrSkip() : Device.Cpu.CreateStream();
        using var w = new Parameter("w", DeviceTensor.From<float>(stream, [1, -2, 3], 3));
        var tape = new Tape();
        var used = tape.Use(w);
        var found = new SignsOperation().Record(used);
        var loss = used.Multiply(found[0]).Sum();
        using var program = tape.Compile(stream, loss, order: null, found[1]);
        program.Run();
        Assert.Equal(6, program.ReadLoss()); // |w|
        Assert.Equal([1], program.Read(found[1]).ToArray<int>(stream));
        Assert.Equal([1, -1, 1], w.Gradient.ToArray<float>(stream)); // signs are constants
    }

    [Fact]
    public void CannotBeCaptured()
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.From<float>(stream, [1, -2], 2);
        var tape = new Tape();
        var input = tape.Input(x);
        var signs = new SignsOperation().Record(input)[0];
        using var host = TapeProgram.Inference(stream, signs.Affine(2));
        using var device = TapeProgram.Inference(stream, input.Affine(2)); // does not need the signs
        Assert.False(host.IsCapturable);
        Assert.True(device.IsCapturable);
    }

    /// <summary>x to its signs and the number of negative elements.</summary>
    private sealed record SignsOperation : HostOperation
    {
        public override string Name => "signs";

        public override int OutputCount => 2;

        public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
        {
            outputs[0] = inputs[0]!;
            outputs[1] = new TensorSpec(DType.Int32, 1);
        }

        protected override void Compute(HostTensors tensors)
        {
            var x = tensors.Input<float>(0);
            var signs = tensors.Output<float>(0);
            var negative = 0;
            for (var i = 0; i < x.Length; i++)
            {
                signs[i] = MathF.Sign(x[i]);
                if (x[i] < 0) negative++;
            }
            tensors.Output<int>(1)[0] = negative;
        }
    }
}
