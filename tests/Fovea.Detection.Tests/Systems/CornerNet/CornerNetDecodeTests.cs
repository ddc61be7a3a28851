using System.Runtime.InteropServices;
using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class CornerNetDecodeTests
{
    private const int Side = 8, Classes = 2, Cells = Side * Side;

    [Fact]
    public void TargetsDecodeToTheBoxesExactly()
    {
        float[] boxes = [3, 4, 17, 25, 20.5f, 1.25f, 30, 9.5f, 4, 12, 15, 32];
        int[] classes = [1, 0, 1];
        var maps = new Maps();
        maps.Plant(boxes, classes);
        Assert.Equal(
            [(3f, 4f, 17f, 25f, 1), (4f, 12f, 15f, 32f, 1), (20.5f, 1.25f, 30f, 9.5f, 0)],
            maps.Decode(new CornerPairing()).Select(d => (d.X1, d.Y1, d.X2, d.Y2, d.Class)).OrderBy(d => d.X1));
        // Without tags every corner of a class meets every other one behind it: the third object's last corner closes the first one, too.
        Assert.Equal(5, maps.Decode(new CornerPairing() with { MaxTagDifference = 100 }).Length);
    }

    [Theory]
    [InlineData(0.5f, 1)]  // a difference of exactly the limit is a pair
    [InlineData(0.51f, 0)]
    [InlineData(float.NaN, 0)]
    public void PairsNeedTagsThatAreNear(float difference, int pairs)
    {
        var maps = new Maps();
        maps.Corner(0, 1, 1, 0, logit: 2, tag: 0);
        maps.Corner(1, 5, 5, 0, logit: 0, tag: difference);
        var found = maps.Decode(new CornerPairing());
        Assert.Equal(pairs, found.Length);
        // The mean of sigmoid(2) = .880797 and sigmoid(0) = .5.
        if (pairs > 0) Assert.Equal(0.6903985, found[0].Score, 1e-6);
    }

    [Theory]
    [InlineData(5, 5, 1, 0)] // another class
    [InlineData(0, 5, 0, 0)] // left of the first corner
    [InlineData(5, 0, 0, 0)] // above it
    [InlineData(1, 1, 0, 1)] // no extent at all
    public void PairsAreOfOneClassAndInOrder(int x, int y, int label, int pairs)
    {
        var maps = new Maps();
        maps.Corner(0, 1, 1, 0, logit: 2, tag: 0);
        maps.Corner(1, x, y, label, logit: 2, tag: 0);
        Assert.Equal(pairs, maps.Decode(new CornerPairing()).Length);
    }

    // Neighbours: of a rise only the top is a corner, of a plateau every cell; NaN is none and hides nobody.
    [Fact]
    public void CornersAreMaximaOfTheirNeighbourhood()
    {
        var heat = new float[Cells];
        Array.Fill(heat, -9f);
        (heat[0], heat[1], heat[9]) = (1, 2, 1.5f);
        (heat[20], heat[21]) = (3, 3);
        (heat[40], heat[41]) = (float.NaN, 0.5f);
        var found = CornerCandidates.Find(heat, new float[Cells], new float[2 * Cells], Side, 1, 4);
        Assert.Equal([(4f, 2f), (5f, 2f), (1f, 0f), (1f, 5f)], found.Select(c => (c.X, c.Y)));
        Assert.Equal(2, CornerCandidates.Find(heat, new float[Cells], new float[2 * Cells], Side, 1, 2).Count);
    }

    // The vector of the suppression kernel, of two classes: the box of the other class keeps its score.
    [Fact]
    public void SuppressionLowersScoresWithinAClass()
    {
        using var stream = Device.Cpu.CreateStream();
        float[] rows = [0, 0, 10, 10, 0.9f, 1, 1, 1, 11, 11, 0.8f, 1, 0, 2, 10, 12, 0.7f, 0, 0, 0, 0, 0, 0, 0];
        using var input = DeviceTensor.From<float>(stream, rows, 1, 4, 6);
        using var classes = DeviceTensor.From(stream, [1, 1, 0, -1], 1, 4);
        var tape = new Tape();
        var kept = new SoftSuppressOperation(new SoftNmsOptions(), 5).Record(tape.Input(input), tape.Input(classes))[0];
        using var program = TapeProgram.Inference(stream, kept);
        program.Run();
        var found = MemoryMarshal.Cast<float, ObjectDetection>(program.Read(kept).ToArray<float>(stream)).ToArray();
        Assert.Equal([0.9, 0.7, 0.316709, 0, 0], found.Select(d => (double)d.Score), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal([(0f, 1), (0f, 0), (1f, 1)], found.Take(3).Select(d => (d.X1, d.Class)));
    }

    [Fact]
    public void MapsThatDoNotFitAreNamed()
    {
        using var stream = Device.Cpu.CreateStream();
        using var heat = DeviceTensor.From(stream, new float[8], 1, 2, 2, 2);
        var tape = new Tape();
        var map = tape.Input(heat);
        var operation = new CornerNetDecodeOperation(new CornerPairing(), 4, 8);
        Assert.Contains("cornernet_decode: map 1 is [1, 2, 2, 2]", Assert.Throws<ArgumentException>(() => operation.Record(map, map, map, map, map, map)).Message, StringComparison.Ordinal);
    }

    /// <summary>Six maps of one image, empty at first.</summary>
    private sealed class Maps
    {
        private readonly float[][] _heat = [Ground(), Ground()], _tags = [new float[Cells], new float[Cells]], _offsets = [new float[2 * Cells], new float[2 * Cells]];

        public void Corner(int corner, int x, int y, int label, float logit, float tag)
        {
            _heat[corner][(y * Side + x) * Classes + label] = logit;
            _tags[corner][y * Side + x] = tag;
        }

        /// <summary>What a perfect network says; tags are the numbers of the objects.</summary>
        public void Plant(float[] boxes, int[] classes)
        {
            using var stream = Device.Cpu.CreateStream();
            using var labels = new Labels(stream, boxes, classes, images: 1);
            var tape = new Tape();
            var targets = labels.On(tape);
            var wanted = new CornerNetTargetsOperation(Classes, new KeyPointGrid(Side, 4, RadiusRule.Corrected)).Record(targets.Boxes, targets.Classes);
            using var program = TapeProgram.Inference(stream, wanted);
            program.Run();
            for (var corner = 0; corner < 2; corner++)
            {
                var target = CornerTargets.From(wanted.AsSpan(corner * CornerTargets.Count));
                var (heat, cells, offsets) = (program.Read(target.Heat).ToArray<float>(stream), program.Read(target.Cells).ToArray<int>(stream), program.Read(target.Offsets).ToArray<float>(stream));
                for (var i = 0; i < heat.Length; i++)
                    if (heat[i] == 1) _heat[corner][i] = 9;
                for (var i = 0; i < cells.Length; i++)
                {
                    _tags[corner][cells[i]] = i;
                    offsets.AsSpan(2 * i, 2).CopyTo(_offsets[corner].AsSpan(2 * cells[i]));
                }
            }
        }

        /// <summary>Pairs whose corners are both above the ground.</summary>
        public ObjectDetection[] Decode(CornerPairing pairing)
        {
            using var stream = Device.Cpu.CreateStream();
            var tape = new Tape();
            var tensors = new List<DeviceTensor>();
            for (var corner = 0; corner < 2; corner++)
            {
                tensors.Add(DeviceTensor.From<float>(stream, _heat[corner], 1, Side, Side, Classes));
                tensors.Add(DeviceTensor.From<float>(stream, _tags[corner], 1, Side, Side, 1));
                tensors.Add(DeviceTensor.From<float>(stream, _offsets[corner], 1, Side, Side, 2));
            }
            var rows = new CornerNetDecodeOperation(pairing with { Pairs = 5000 }, 4, 32).Record([.. tensors.Select(t => tape.Input(t))])[0];
            using var program = TapeProgram.Inference(stream, rows);
            program.Run();
            var found = MemoryMarshal.Cast<float, ObjectDetection>(program.Read(rows).ToArray<float>(stream)).ToArray();
            tensors.ForEach(t => t.Dispose());
            return [.. found.Where(d => d.Score > 0.51f)];
        }

        // Below every corner by far; a mean of it with any corner is at most .5.
        private static float[] Ground() => [.. Enumerable.Repeat(-20f, Cells * Classes)];
    }
}
