using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Cli.Experiments.Ranking;

/// <summary>Three small networks of equal form that learn scores from the features of cells, each with its detector's own loss: classes as in
/// FCOS, centerness, and the IoU-aware classes of VarifocalNet. A fourth score is the true overlap.</summary>
internal sealed class ScoreHeads : IDisposable
{
    private const int Hidden = 32;
    private const float Rate = 0.02f;

    private readonly DeviceStream _stream;
    private readonly Dense[][] _heads;
    private readonly Optimizer _optimizer; // owns the memory of the parameters

    internal ScoreHeads(DeviceStream stream, int seed)
    {
        _stream = stream;
        var init = new Initializer(stream, seed);
        _heads = [.. new[] { ("classes", NoisyCell.Classes), ("centerness", 1), ("iacs", NoisyCell.Classes) }.Select(h => Head(init, h.Item1, h.Item2))];
        _optimizer = new Optimizer(stream, new OptimizerOptions(), _heads.SelectMany(h => h).SelectMany(d => d.Parameters));
    }

    /// <summary>Learns from all cells in every step.</summary>
    internal void Train(IReadOnlyList<NoisyCell> cells, int steps)
    {
        var (wanted, quality, centerness) = (new float[cells.Count * NoisyCell.Classes], new float[cells.Count * NoisyCell.Classes], new float[cells.Count]);
        for (var i = 0; i < cells.Count; i++)
        {
            if (cells[i].Class < 0) continue;
            wanted[NoisyCell.Classes * i + cells[i].Class] = 1;
            quality[NoisyCell.Classes * i + cells[i].Class] = (float)Math.Max(1e-6, cells[i].Overlap);
            centerness[i] = cells[i].Centerness;
        }
        using var x = Features(cells);
        using var classTensor = DeviceTensor.From<float>(_stream, wanted, cells.Count, NoisyCell.Classes);
        using var qualityTensor = DeviceTensor.From<float>(_stream, quality, cells.Count, NoisyCell.Classes);
        using var centernessTensor = DeviceTensor.From<float>(_stream, centerness, cells.Count, 1);
        var tape = new Tape();
        var (features, classes) = (tape.Input(x), tape.Input(classTensor));
        var isPositive = classes.Reduce(ReduceOp.Sum, keepDimensions: true, 1);
        var losses = Logits(features, 0).FocalLoss(classes).Sum()
            .Add(Logits(features, 1).BinaryCrossEntropy(tape.Input(centernessTensor)).Multiply(isPositive).Sum())
            .Add(Logits(features, 2).PointwiseLoss(tape.Input(qualityTensor), PointwiseLossOptions.Varifocal()).Sum());
        using var program = tape.Compile(_stream, losses.Affine(1f / Math.Max(1, cells.Count(c => c.Class >= 0))));
        var rate = LearningRate.Cosine(Rate, Rate / 100, steps);
        for (var step = 0; step < steps; step++)
        {
            _optimizer.ClearGradients();
            program.Run();
            _optimizer.Step(rate(step));
        }
    }

    /// <summary>Class and score of every cell by every rule.</summary>
    internal (int Class, double Score)[][] Score(IReadOnlyList<NoisyCell> cells)
    {
        using var x = Features(cells);
        var tape = new Tape();
        var features = tape.Input(x);
        Value[] outputs = [.. Enumerable.Range(0, 3).Select(h => Logits(features, h).Activate(Activation.Sigmoid))];
        using var program = TapeProgram.Inference(_stream, outputs);
        program.Run();
        float[] classes = Read(0), centerness = Read(1), aware = Read(2);
        var scores = new (int, double)[RankingRule.All.Count][];
        scores[RankingRule.ClassAlone] = Best(classes, (_, p) => p);
        scores[RankingRule.TimesCenterness] = Best(classes, (i, p) => Math.Sqrt(p * centerness[i]));
        scores[RankingRule.Aware] = Best(aware, (_, p) => p);
        // What no head can know: the class head's class, and how well the box fits.
        scores[RankingRule.Truth] = Best(classes, (i, _) => cells[i].Overlap);
        return scores;

        float[] Read(int head) => program.Read(outputs[head]).ToArray<float>(_stream);

        (int, double)[] Best(float[] values, Func<int, double, double> score) => [.. Enumerable.Range(0, cells.Count).Select(i =>
        {
            var best = Enumerable.Range(0, NoisyCell.Classes).MaxBy(c => values[NoisyCell.Classes * i + c]);
            return (best, score(i, values[NoisyCell.Classes * i + best]));
        })];
    }

    public void Dispose()
    {
        foreach (var layer in _heads.SelectMany(h => h)) layer.Dispose();
        _optimizer.Dispose();
    }

    private static Dense[] Head(Initializer init, string name, int outputs)
    {
        Dense Layer(int number, int from, int to, Activation activation) => new(init, $"{name}.{number}", from, to, activation, MathF.Sqrt(2f / from));
        return [Layer(0, NoisyCell.FeatureCount, Hidden, Activation.Relu), Layer(1, Hidden, Hidden, Activation.Relu), Layer(2, Hidden, outputs, Activation.None)];
    }

    private Value Logits(Value features, int head) => _heads[head].Aggregate(features, (x, layer) => layer.Forward(x));

    private DeviceTensor Features(IReadOnlyList<NoisyCell> cells) =>
        DeviceTensor.From<float>(_stream, [.. cells.SelectMany(c => c.Features)], cells.Count, NoisyCell.FeatureCount);
}
