using Fovea.Models;
using Fovea.Models.Handtrack;

namespace Fovea.Detection.Tests.Handtrack;

/// <summary>The network against tensors of TensorFlow.js with the same weights, part by part, then as a whole.</summary>
public sealed class HandtrackOracleTests
{
    [Fact]
    public void BackboneMatches()
    {
        using var test = new Fixture();
        using var image = test.Tensor("preprocessed");
        using var fine = test.Net.Backbone[0].Forward(test.Stream, image);
        using var middle = test.Net.Backbone[1].Forward(test.Stream, fine);
        using var coarse = test.Net.Backbone[2].Forward(test.Stream, middle);
        test.Expect("C3", fine);
        test.Expect("C4", middle);
        test.Expect("C5", coarse);
    }

    [Fact]
    public void EveryStepOfThePyramidMatches()
    {
        using var test = new Fixture();
        var pyramid = test.Net.Pyramid;
        for (int level = 1; level <= 3; level++) test.Expect($"lateral_{level}", $"C{level + 2}", pyramid.Laterals[level - 1]);
        Add("lateral_3", "lateral_2", "add");
        test.Expect("smooth_2", "add", pyramid.Smoothing[1]);
        Add("smooth_2", "lateral_1", "add_1");
        test.Expect("smooth_1", "add_1", pyramid.Smoothing[0]);

        void Add(string coarse, string fine, string expected)
        {
            using DeviceTensor above = test.Tensor(coarse), sum = test.Tensor(fine);
            TopDownPath.AddRepeated(test.Stream, above, sum);
            test.Expect(expected, sum);
        }
    }

    [Fact]
    public void ThePyramidMatchesAsAWhole()
    {
        using var test = new Fixture();
        using DeviceTensor fine = test.Tensor("C3"), middle = test.Tensor("C4"), coarse = test.Tensor("C5");
        var maps = test.Net.Pyramid.Forward(test.Stream, fine, middle, coarse);
        test.Expect("smooth_1", maps[0]);
        test.Expect("smooth_2", maps[1]);
        test.Expect("lateral_3", maps[2]);
        foreach (var map in maps) map.Dispose();
    }

    [Fact]
    public void BoxesAndScoresMatch()
    {
        using var test = new Fixture();
        using var image = test.Tensor("preprocessed");
        using var boxes = DeviceTensor.Allocate(test.Stream, DType.Float32, HandtrackNet.AnchorCount, 4);
        using var logits = DeviceTensor.Allocate(test.Stream, DType.Float32, HandtrackNet.AnchorCount, HandtrackNet.Scores);
        test.Net.Forward(test.Stream, image, boxes, logits);
        float[] scores = Array.ConvertAll(logits.ToArray<float>(test.Stream), x => (float)(1 / (1 + Math.Exp(-x))));
        test.Expect("raw_scores", scores);
        test.Expect("raw_boxes", Decode(boxes.ToArray<float>(test.Stream), test.Net.Anchors));
    }

    // In the oracle's form: top, left, bottom, right as shares of the image.
    private static float[] Decode(float[] deltas, ReadOnlySpan<float> anchors)
    {
        var boxes = new float[deltas.Length];
        for (int i = 0; i < boxes.Length; i += 4)
        {
            for (int axis = 0; axis < 2; axis++)
            {
                double low = anchors[i + axis], size = anchors[i + 2 + axis] - low;
                double centre = low + size / 2 + deltas[i + axis] / 10 * size, half = Math.Exp(deltas[i + 2 + axis] / 5) * size / 2;
                boxes[i + 1 - axis] = (float)((centre - half) / HandtrackNet.InputSize);
                boxes[i + 3 - axis] = (float)((centre + half) / HandtrackNet.InputSize);
            }
        }

        return boxes;
    }

    private sealed class Fixture : IDisposable
    {
        private readonly string _folder = SharedData.Oracle("fpn_handtrack/person");

        public Fixture()
        {
            var store = SharedData.Installed("handtrack");
            Stream = Device.Cpu.CreateStream();
            Net = HandtrackNet.Load(Stream, store);
        }

        public DeviceStream Stream { get; }

        public HandtrackNet Net { get; }

        public DeviceTensor Tensor(string name)
        {
            var file = Load(name);
            return DeviceTensor.From(Stream, file.Floats, Array.ConvertAll(file.Shape, size => (long)size));
        }

        public void Expect(string name, string input, ILayer layer)
        {
            using var x = Tensor(input);
            using var y = layer.Forward(Stream, x);
            Expect(name, y);
        }

        public void Expect(string name, DeviceTensor actual)
        {
            Assert.Equal(Array.ConvertAll(Load(name).Shape, size => (long)size), actual.Shape.ToArray());
            Expect(name, actual.ToArray<float>(Stream));
        }

        // Sums of another order: two runtimes of such networks differ by 2e-6 of the largest value, a few times that is allowed.
        public void Expect(string name, float[] actual) => OracleTensors.AssertWithinShare(1e-5f, Load(name).Floats, actual);

        public void Dispose()
        {
            Net.Dispose();
            Stream.Dispose();
        }

        private NpyFile Load(string name) => OracleTensors.Load(_folder, name);
    }
}
