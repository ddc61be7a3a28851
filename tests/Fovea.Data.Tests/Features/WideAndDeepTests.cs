using System.Globalization;
using Fovea.Training;
using Xunit;

namespace Fovea.Data.Tests;

/// <summary>Cheng et al., "Wide and Deep Learning" (2016), from TFRecord to planted weights: a wide crossed column and a deep
/// network over an embedding of many-valued tags and a number learn a log odds that is known.</summary>
public sealed class WideAndDeepTests : IDisposable
{
    private const int BatchRows = 1000, MostTags = 3, Epochs = 5, TagKinds = 8, Hidden = 16;

    // FOVEA_TEST_ROWS=1000000 makes it the long run.
    private static readonly int Rows =
        Environment.GetEnvironmentVariable("FOVEA_TEST_ROWS") is { Length: > 0 } rows ? int.Parse(rows, CultureInfo.InvariantCulture) : 60_000;

    private static readonly CrossedColumn Cross = new(["device", "hour"], 32);
    private static readonly HashBucketColumn Tags = new("tags", 64);
    private static readonly NumericColumn Price = new("price");

    private readonly string _path = Path.GetTempFileName();
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();
    private readonly Random _random = new(21);
    private readonly float[] _wide, _tag;
    private readonly double[] _information = new double[32]; // Fisher information about each bucket's weight

    public WideAndDeepTests()
    {
        _wide = [.. Enumerable.Range(0, 32).Select(_ => 3 * _random.NextSingle() - 1.5f)];
        _tag = [.. Enumerable.Range(0, TagKinds).Select(_ => 3 * _random.NextSingle() - 1.5f)];
    }

    public void Dispose()
    {
        _stream.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void PlantedWeightsAreRecovered()
    {
        WriteRecords();
        using var wide = new Parameter("wide", Zeros(32, 1));
        using var tags = new Parameter("tags", Noise(64, 4));
        using var first = new Parameter("first", Noise(Hidden, 5));
        using var firstBias = new Parameter("first.bias", Zeros(Hidden));
        using var second = new Parameter("second", Noise(1, Hidden));
        using var secondBias = new Parameter("second.bias", Zeros(1));
        using var input = new Inputs(_stream);
        var tape = new Tape();
        var wideLogit = tape.Use(wide).EmbeddingBag(tape.Input(input.CrossIds), tape.Input(input.CrossRows), BatchRows);
        var embedded = tape.Use(tags).EmbeddingBag(tape.Input(input.TagIds), tape.Input(input.TagRows), BatchRows, default, tape.Input(input.TagDivisors));
        var hidden = TapeOperations.Concat(embedded, tape.Input(input.Price)).Linear(tape.Use(first), tape.Use(firstBias)).Activate(Activation.Relu);
        var deepLogit = hidden.Linear(tape.Use(second), tape.Use(secondBias));
        // Log odds of two classes: (0, wide + deep).
        using var sum = DeviceTensor.From<float>(_stream, [0, 1, 0, 1], 2, 2);
        var logits = TapeOperations.Concat(wideLogit, deepLogit).MatMul(tape.Input(sum));
        using var program = tape.Compile(_stream, logits.CrossEntropy(tape.Input(input.Labels)), null, logits);
        using var optimizer = new Adam(_stream, wide, tags, first, firstBias, second, secondBias);

        double squares = 0, rows = 0;
        var (step, steps) = (0, Epochs * (Rows / BatchRows));
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            foreach (var truth in Batches(input))
            {
                program.Run();
                // A rate that falls to nothing averages over the noise of the labels.
                var left = 1 - step++ / (float)steps;
                optimizer.Step(0.05f * left * left);
                if (left > 0.2f) continue;
                var learnt = program.Read(logits).ToArray<float>(_stream);
                for (var r = 0; r < truth.Length; r++) squares += Math.Pow(learnt[2 * r + 1] - learnt[2 * r] - truth[r], 2);
                rows += truth.Length;
            }
        }

        Assert.Equal(steps, step);
        // Labels are drawn, so a bucket's weight is known to 1/sqrt(its information), but only up to a constant that the network may
        // hold instead. The optimiser and a network that bends one number by 16 kinks are right to some hundredths besides.
        var weights = wide.Value.ToArray<float>(_stream);
        var all = _information.Sum();
        var shift = Enumerable.Range(0, 32).Sum(i => _information[i] * (weights[i] - _wide[i])) / all;
        for (var i = 0; i < 32; i++)
            if (_information[i] > 0) Assert.Equal(_wide[i], weights[i] - shift, 5 / Math.Sqrt(_information[i]) + 0.05);
        Assert.InRange(Math.Sqrt(squares / rows), 0, 3 * Math.Sqrt(32 / all) + 0.05);
    }

    // One row: tags with a planted effect (the mean of those there are), a price that counts when it is positive, the cross. The ids that
    // columns must find are written beside them, from the slow hash.
    private void WriteRecords()
    {
        using var records = TfRecordWriter.Create(_path);
        var example = new ExampleWriter();
        var crossIds = new Dictionary<(int, int), long>();
        long[] tagIds = [.. Enumerable.Range(0, TagKinds).Select(kind => SlowHash.Bucket($"tag {kind}", 64))];
        for (var r = 0; r < Rows; r++)
        {
            var (device, hour) = (_random.Next(6), _random.Next(24));
            if (!crossIds.TryGetValue((device, hour), out var cross))
                crossIds[(device, hour)] = cross = SlowHash.Cross([[$"device {device}"], [$"{hour} h"]], 32, SparseCross.DefaultKey)[0];
            int[] kinds = [.. Enumerable.Range(0, _random.Next(MostTags + 1)).Select(_ => _random.Next(TagKinds))];
            var price = 4 * _random.NextSingle() - 2;
            var logit = _wide[cross] + (kinds.Length == 0 ? 0 : kinds.Average(k => _tag[k])) + 0.8f * Math.Max(price, 0);
            var probability = 1 / (1 + Math.Exp(-logit));
            _information[cross] += probability * (1 - probability);
            var label = _random.NextDouble() < probability ? 1L : 0;
            example.Clear();
            example.Add("device", $"device {device}").Add("hour", $"{hour} h").Add("tags", [.. kinds.Select(k => $"tag {k}")])
                .Add("price", price).Add("label", label).Add("truth", (float)logit)
                .Add("cross ids", cross).Add("tag ids", [.. kinds.Select(k => tagIds[k])]);
            records.Write(example.ToArray());
        }
    }

    // Fills the inputs batch by batch and gives the true log odds.
    private IEnumerable<float[]> Batches(Inputs input)
    {
        var spec = new ParseSpec([Cross, Tags, Price]);
        spec.Add(new FixedLenFeature("label", FeatureKind.Int64));
        spec.Add(new FixedLenFeature("truth", FeatureKind.Float));
        spec.Add(new VarLenFeature("cross ids", FeatureKind.Int64));
        spec.Add(new VarLenFeature("tag ids", FeatureKind.Int64));
        using var batch = new ExampleParser(spec.Features).CreateBatch();
        using var reader = TfRecordReader.Open(_path);
        var (features, cache) = (new ExampleFeatures(), new FeatureCache());
        while (reader.Read())
        {
            batch.Add(reader.Current.Span);
            if (batch.Count < BatchRows) continue;
            cache.Reset(features.Read(batch));
            Assert.Equal(cache.Raw("cross ids").Integers.Span, cache.Ids(Cross).Ids);
            Assert.Equal(cache.Raw("tag ids").Integers.Span, cache.Ids(Tags).Ids);
            input.Fill(cache);
            yield return cache.Raw("truth").Floats.ToArray();
            batch.Clear();
        }
    }

    private DeviceTensor Zeros(params long[] shape) => DeviceTensor.From<float>(_stream, new float[shape.Aggregate(1L, (p, q) => p * q)], shape);

    private DeviceTensor Noise(params long[] shape) =>
        DeviceTensor.From<float>(_stream, [.. Enumerable.Range(0, (int)(shape[0] * shape[1])).Select(_ => _random.NextSingle() - 0.5f)], shape);

    private sealed class Inputs(DeviceStream stream) : IDisposable
    {
        private readonly BagBatch _cross = new(), _tags = new();

        public DeviceTensor CrossIds { get; } = DeviceTensor.Allocate(stream, DType.Int64, BatchRows);
        public DeviceTensor CrossRows { get; } = DeviceTensor.Allocate(stream, DType.Int32, BatchRows);
        public DeviceTensor TagIds { get; } = DeviceTensor.Allocate(stream, DType.Int64, BatchRows * MostTags);
        public DeviceTensor TagRows { get; } = DeviceTensor.Allocate(stream, DType.Int32, BatchRows * MostTags);
        public DeviceTensor TagDivisors { get; } = DeviceTensor.Allocate(stream, DType.Float32, BatchRows, 1);
        public DeviceTensor Price { get; } = DeviceTensor.Allocate(stream, DType.Float32, BatchRows, 1);
        public DeviceTensor Labels { get; } = DeviceTensor.Allocate(stream, DType.Int64, BatchRows);

        public void Fill(FeatureCache cache)
        {
            _cross.Prepare(cache.Ids(Cross), Combiner.Sum);
            CrossIds.CopyFrom(stream, _cross.Ids);
            CrossRows.CopyFrom(stream, _cross.IdRows);
            _tags.Prepare(cache.Ids(Tags), Combiner.Mean).PadTo(BatchRows * MostTags);
            TagIds.CopyFrom(stream, _tags.Ids);
            TagRows.CopyFrom(stream, _tags.IdRows);
            TagDivisors.CopyFrom(stream, _tags.Divisors);
            Price.CopyFrom(stream, cache.Values(WideAndDeepTests.Price));
            Labels.CopyFrom(stream, cache.Raw("label").Integers.Span);
        }

        public void Dispose()
        {
            foreach (var tensor in (DeviceTensor[])[CrossIds, CrossRows, TagIds, TagRows, TagDivisors, Price, Labels]) tensor.Dispose();
        }
    }

    private sealed class Adam : IDisposable
    {
        private readonly DeviceStream _stream;
        private readonly (Parameter Parameter, DeviceTensor First, DeviceTensor Second)[] _slots;
        private readonly DeviceTensor _schedule;
        private int _step;

        public Adam(DeviceStream stream, params Parameter[] parameters)
        {
            _stream = stream;
            _schedule = DeviceTensor.Allocate(stream, DType.Float32, 3);
            _slots = [.. parameters.Select(p => (p, Zeros(p), Zeros(p)))];
        }

        public void Step(float rate)
        {
            _schedule.CopyFrom<float>(_stream, [rate, ++_step, 1]);
            foreach (var (parameter, first, second) in _slots)
            {
                Kernels.OptimizerStep(_stream, new OptimizerOptions(), parameter.Value, parameter.Gradient, first, second, _schedule);
                parameter.ClearGradient();
            }
        }

        public void Dispose()
        {
            foreach (var (_, first, second) in _slots)
            {
                first.Dispose();
                second.Dispose();
            }
            _schedule.Dispose();
        }

        private DeviceTensor Zeros(Parameter parameter)
        {
            var tensor = DeviceTensor.Allocate(_stream, DType.Float32, parameter.Spec.Shape);
            tensor.Fill(_stream, 0);
            return tensor;
        }
    }
}
