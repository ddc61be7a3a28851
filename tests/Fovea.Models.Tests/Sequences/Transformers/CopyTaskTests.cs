using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Transformers;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

public sealed class CopyTaskTests
{
    private const int Vocabulary = 12, Length = 8, Batch = 32, Start = 0, End = 1;

    /// <summary>An encoder layer and a decoder layer learn to write what they read, and then do so token by token.</summary>
    [Fact]
    public void TwoLayersLearnToCopy()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new Transformer(stream, new TransformerOptions
        {
            Vocabulary = Vocabulary,
            Width = 32,
            Heads = 4,
            FeedForwardWidth = 64,
            EncoderLayers = 1,
            DecoderLayers = 1,
            NormFirst = true,
            MaxLength = Length + 1,
        });
        // Owns the parameters' memory from here on.
        using var optimizer = new Optimizer(stream, new OptimizerOptions { Kind = OptimizerKind.Adam, Beta2 = 0.98f }, model.Parameters);
        Train(stream, model, optimizer, steps: 350);
        model.Train(false);

        using var decoder = new PreparedDecoder(stream, model);
        using var session = new TransformerDecoderSession(decoder, stream, streams: 2, capacity: Length + 1, memoryCapacity: Length);
        var random = new Random(99);
        var right = 0;
        for (var i = 0; i < 20; i++)
        {
            var text = Enumerable.Range(0, Length).Select(_ => random.Next(2, Vocabulary)).ToArray();
            using var memory = Encode(stream, model, [.. text, .. text]);
            session.Reset();
            session.SetMemory(memory, [Length, Length]);
            var best = BeamSearch.Run(new TransformerBeams(session), new BeamSearchOptions { Beams = 2, StartToken = Start, EndToken = End, MaxLength = Length + 1 })[0];
            if (best.IsFinished && best.Tokens.SequenceEqual(text)) right++;
        }
        Assert.InRange(right, 19, 20); // instruction sets round differently on the way
    }

    private static void Train(DeviceStream stream, Transformer model, Optimizer optimizer, int steps)
    {
        using var source = DeviceTensor.Allocate(stream, DType.Int32, Batch, Length);
        using var target = DeviceTensor.Allocate(stream, DType.Int32, Batch, Length + 1);
        using var wanted = DeviceTensor.Allocate(stream, DType.Int32, Batch * (Length + 1));
        var tape = new Tape();
        var logits = model.Forward(tape.Input(source), tape.Input(target));
        var loss = logits.Reshape(-1, Vocabulary).CrossEntropy(tape.Input(wanted));
        using var program = tape.Compile(stream, loss);
        var rate = LearningRate.WarmUp(20, LearningRate.Cosine(5e-3f, 0, steps));
        var random = new Random(7);
        for (var step = 0; step < steps; step++)
        {
            var texts = Enumerable.Range(0, Batch).Select(_ => Enumerable.Range(0, Length).Select(_ => random.Next(2, Vocabulary)).ToArray()).ToArray();
            source.CopyFrom<int>(stream, [.. texts.SelectMany(t => t)]);
            target.CopyFrom<int>(stream, [.. texts.SelectMany(t => (int[])[Start, .. t])]);
            wanted.CopyFrom<int>(stream, [.. texts.SelectMany(t => (int[])[.. t, End])]);
            optimizer.ClearGradients();
            program.Run();
            optimizer.Step(rate(step), maxNorm: 1);
        }
    }

    private static DeviceTensor Encode(DeviceStream stream, Transformer model, int[] tokens)
    {
        var tape = new Tape();
        using var input = DeviceTensor.From<int>(stream, tokens, 2, Length);
        return DeviceTensor.From<float>(stream, TestModels.Read(stream, model.Forward(tape.Input(input))), 2, Length, model.Options.Width);
    }
}
