using Fovea.Models.Sequences.Transformers;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

/// <summary>A transformer in plain loops and double precision, one sequence at a time, from the parameters of a model.</summary>
internal sealed class NaiveTransformer(DeviceStream stream, TransformerOptions options)
{
    /// <summary>Logits [length][vocabulary] of a decoder alone.</summary>
    public double[][] Logits(CausalTransformer model, int[] tokens) =>
        Logits(model.Embedding, Decode(model.Decoder, Embed(model.Embedding, tokens), memory: null));

    /// <summary>Logits [target][vocabulary] of an encoder and a decoder.</summary>
    public double[][] Logits(Transformer model, int[] source, int[] target)
    {
        var memory = Embed(model.Embedding, source);
        foreach (var layer in model.Encoder.Layers)
        {
            memory = Around(layer.AttentionResidual, memory, x => Attend(layer.Attention, x, x, causal: false, isSelf: true));
            memory = Around(layer.FeedForwardResidual, memory, x => [.. x.Select(row => FeedForward(layer.FeedForward, row))]);
        }
        if (model.Encoder.FinalNorm is { } norm) memory = [.. memory.Select(row => Normalise(norm, row))];
        return Logits(model.Embedding, Decode(model.Decoder, Embed(model.Embedding, target), memory));
    }

    private double[][] Decode(Decoder decoder, double[][] x, double[][]? memory)
    {
        foreach (var layer in decoder.Layers)
        {
            x = Around(layer.AttentionResidual, x, y => Attend(layer.Attention, y, y, causal: true, isSelf: true));
            if (layer.Cross is { } cross) x = Around(layer.CrossResidual!, x, y => Attend(cross, y, memory!, causal: false, isSelf: false));
            x = Around(layer.FeedForwardResidual, x, y => [.. y.Select(row => FeedForward(layer.FeedForward, row))]);
        }
        return decoder.FinalNorm is { } norm ? [.. x.Select(row => Normalise(norm, row))] : x;
    }

    private double[][] Embed(TokenEmbedding embedding, int[] tokens)
    {
        var table = Read(embedding.Table);
        var added = embedding.Positions?.ToArray<float>(stream);
        var width = options.Width;
        return [.. tokens.Select((token, p) => Enumerable.Range(0, width)
            .Select(i => table[token * width + i] * (options.ScalesEmbedding ? Math.Sqrt(width) : 1) + (added?[p * width + i] ?? 0)).ToArray())];
    }

    private double[][] Logits(TokenEmbedding embedding, double[][] x)
    {
        var table = Read(embedding.Table);
        return [.. x.Select(row => Product(table, bias: null, row, options.Vocabulary))];
    }

    private double[][] Around(Residual residual, double[][] x, Func<double[][], double[][]> block)
    {
        var y = block(residual.NormFirst ? [.. x.Select(row => Normalise(residual.Norm, row))] : x);
        return [.. x.Select((row, t) =>
        {
            var sum = row.Zip(y[t], (a, b) => a + b).ToArray();
            return residual.NormFirst ? sum : Normalise(residual.Norm, sum);
        })];
    }

    private double[] Normalise(Norm norm, double[] x)
    {
        var (gamma, beta) = (Read(norm.Gamma), norm.Beta is null ? null : Read(norm.Beta));
        var mean = norm.Options.Rms ? 0 : x.Average();
        var scale = 1 / Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + norm.Options.Epsilon);
        return [.. x.Select((v, i) => (v - mean) * scale * gamma[i] + (beta?[i] ?? 0))];
    }

    private double[] FeedForward(FeedForward block, double[] x)
    {
        var up = Product(block.Up, x);
        if (block.Gate is { } gate) up = [.. Product(gate, x).Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)];
        else if (block.Activation.Kind == ActivationKind.Relu) up = [.. up.Select(v => Math.Max(v, 0))];
        else up = [.. up.Select(v => v / 2 * (1 + Erf(v / Math.Sqrt(2))))];
        return Product(block.Down, up);
    }

    private double[][] Attend(MultiHeadAttention attention, double[][] x, double[][] memory, bool causal, bool isSelf)
    {
        var (d, share) = (options.HeadSize, options.Heads / options.Groups);
        var q = x.Select(row => Product(attention.Queries, row)).ToArray();
        var k = memory.Select(row => Product(attention.Keys, row)).ToArray();
        var v = memory.Select(row => Product(attention.Values, row)).ToArray();
        if (isSelf && options.Positions == PositionKind.Rotary)
        {
            for (var t = 0; t < q.Length; t++) Rotate(q[t], t);
            for (var t = 0; t < k.Length; t++) Rotate(k[t], t);
        }
        return [.. q.Select((query, t) =>
        {
            var joined = new double[options.Width];
            var seen = causal ? t + 1 : memory.Length;
            for (var h = 0; h < options.Heads; h++)
            {
                var g = h / share;
                var weights = new double[seen];
                for (var j = 0; j < seen; j++)
                {
                    double dot = 0;
                    for (var i = 0; i < d; i++) dot += query[h * d + i] * k[j][g * d + i];
                    weights[j] = Math.Exp(dot / Math.Sqrt(d));
                }
                for (var i = 0; i < d; i++)
                    for (var j = 0; j < seen; j++) joined[h * d + i] += weights[j] / weights.Sum() * v[j][g * d + i];
            }
            return Product(attention.Output, joined);
        })];
    }

    private void Rotate(double[] heads, int position)
    {
        var d = options.HeadSize;
        for (var h = 0; h < heads.Length; h += d)
            for (var i = 0; i < d / 2; i++)
            {
                var (sine, cosine) = Math.SinCos(position * Math.Pow(options.RotaryBase, -2.0 * i / d));
                var (a, b) = (heads[h + i], heads[h + d / 2 + i]);
                (heads[h + i], heads[h + d / 2 + i]) = (a * cosine - b * sine, b * cosine + a * sine);
            }
    }

    private double[] Product(Dense dense, double[] x) =>
        Product(Read(dense.Weight), dense.Bias is null ? null : Read(dense.Bias), x, (int)dense.Weight.Spec[0]);

    private static double[] Product(float[] weight, float[]? bias, double[] x, int outFeatures)
    {
        var y = new double[outFeatures];
        for (var o = 0; o < outFeatures; o++)
        {
            y[o] = bias?[o] ?? 0;
            for (var i = 0; i < x.Length; i++) y[o] += weight[o * x.Length + i] * x[i];
        }
        return y;
    }

    private float[] Read(Parameter parameter) => parameter.Value.ToArray<float>(stream);

    // The series of Abramowitz and Stegun 7.1.6: exact to rounding for the arguments here, below 5.
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (var n = 1; n < 200; n++) sum += term *= 2 * x * x / (2 * n + 1);
        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
