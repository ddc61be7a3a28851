using Fovea.Data;
using Fovea.Training;

namespace Fovea.Cli.Experiments.SppLength;

/// <summary>A classifier recorded for one size of crops: its loss, or its logits alone.</summary>
internal sealed class SizedProgram : IDisposable
{
    private const int Batch = 16;

    private readonly DeviceStream _stream;
    private readonly SceneGenerator _crops;
    private readonly DeviceTensor _images, _labels;
    private readonly Value _logits;
    private readonly float[] _pixels;
    private readonly int[] _classes = new int[Batch];
    private long _next;

    /// <exception cref="ArgumentException">The network cannot take images of this size.</exception>
    internal SizedProgram(DeviceStream stream, CropClassifier net, int size, long seed, bool trains)
    {
        (_stream, _crops, _pixels) = (stream, Crops.Of(size, seed), new float[Batch * size * size * 3]);
        _images = DeviceTensor.Allocate(stream, DType.Float32, Batch, size, size, 3);
        _labels = DeviceTensor.Allocate(stream, DType.Int32, Batch);
        try
        {
            var tape = new Tape();
            (var features, _logits) = net.Outputs(tape.Input(_images));
            FeatureLength = features.Shape[1];
            Program = trains ? tape.Compile(stream, _logits.CrossEntropy(tape.Input(_labels))) : TapeProgram.Inference(stream, _logits);
        }
        catch
        {
            _images.Dispose();
            _labels.Dispose();
            throw;
        }
    }

    /// <summary>Loss and gradients, or logits, of the crops that are bound.</summary>
    internal TapeProgram Program { get; }

    /// <summary>Numbers per image before the linear layer.</summary>
    internal long FeatureLength { get; }

    /// <summary>Binds the next crops.</summary>
    internal void Fill()
    {
        Crops.Fill(_crops, _next, _pixels, _classes);
        _next += Batch;
        _images.CopyFrom<float>(_stream, _pixels);
        _labels.CopyFrom<int>(_stream, _classes);
    }

    /// <summary>The share of the next crops whose class has the largest logit.</summary>
    internal double Accuracy(int batches)
    {
        var right = 0;
        for (var batch = 0; batch < batches; batch++)
        {
            Fill();
            Program.Run();
            var logits = Program.Read(_logits).ToArray<float>(_stream);
            for (var i = 0; i < Batch; i++)
            {
                var row = logits.AsSpan(i * Crops.Classes, Crops.Classes);
                var best = 0;
                for (var c = 1; c < row.Length; c++) best = row[c] > row[best] ? c : best;
                if (best == _classes[i]) right++;
            }
        }
        return right / (double)(batches * Batch);
    }

    public void Dispose()
    {
        Program.Dispose();
        _images.Dispose();
        _labels.Dispose();
    }
}
