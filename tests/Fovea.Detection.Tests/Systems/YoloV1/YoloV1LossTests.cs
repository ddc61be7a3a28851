using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.YoloV1;

public sealed class YoloV1LossTests
{
    // By hand: S = B = C = 2 in an image of 100 pixels, one object in cell 2, whose first box overlaps it more.
    [Theory]
    [InlineData(YoloV1Layout.Vector)]
    [InlineData(YoloV1Layout.PerCell)]
    public void EqualsTheSumByHand(YoloV1Layout layout)
    {
        const int objectCell = 2;
        float[] boxes = [0.5f, 0.3f, 0.6f, 0.7f, 0.6f, 0.2f, 0.8f, 0.5f], classes = [0.2f, 0.7f], confidences = [0.6f, 0.3f];
        var raw = new List<float>();
        if (layout == YoloV1Layout.Vector)
        {
            for (var cell = 0; cell < 4; cell++) raw.AddRange(cell == objectCell ? classes : [0.5f, 0.5f]);
            for (var cell = 0; cell < 4; cell++) raw.AddRange(cell == objectCell ? confidences : [0.1f, 0.1f]);
            for (var cell = 0; cell < 4; cell++) raw.AddRange(cell == objectCell ? boxes : new float[8]);
        }
        else
        {
            for (var cell = 0; cell < 4; cell++)
                raw.AddRange(cell == objectCell ? [.. boxes[..4], confidences[0], .. boxes[4..], confidences[1], .. classes] : [0, 0, 0, 0, 0.1f, 0, 0, 0, 0, 0.1f, 0.5f, 0.5f]);
        }
        using var stream = Device.Cpu.CreateStream();
        using var input = DeviceTensor.From<float>(stream, raw.ToArray(), 1, raw.Count);
        var (total, parts, _) = Run(stream, input, layout, side: 2, boxes: 2, classes: 2, [[10, 35, 50, 85]], [[1]]);
        Assert.Equal(0.3120978, total, 5e-7);
        Assert.Equal(0.1055193, parts["boxes"], 1e-7);
        Assert.Equal(0.0015785, parts["objects"], 1e-7);
        Assert.Equal(0.075, parts["background"], 1e-7);
        Assert.Equal(0.13, parts["classes"], 1e-7);
    }

    // Random outputs of three images, one without objects, one with two in a cell: the loss in double, and as its gradient minus twice what
    // darknet's detection layer passes back, divided by the images.
    [Fact]
    public void EqualsDarknetsDetectionLayer()
    {
        const int side = 3, boxes = 3, classes = 4, images = 3, imageSize = 100;
        using var stream = Device.Cpu.CreateStream();
        using var input = new Initializer(stream, 11).Uniform(1, images, side * side * (5 * boxes + classes));
        float[][] truths = [[10, 20, 60, 90, 40, 40, 60, 55, 42, 45, 58, 65], [], [70, 0, 100, 30]];
        int[][] labels = [[0, 3, 2], [], [1]];
        var (total, _, gradient) = Run(stream, input, YoloV1Layout.Vector, side, boxes, classes, truths, labels);
        var output = input.ToArray<float>(stream);
        var (expected, delta) = (0.0, new double[output.Length]);
        for (var image = 0; image < images; image++)
        {
            var at = image * output.Length / images;
            expected += Darknet(output.AsSpan(at, output.Length / images), truths[image], labels[image], delta.AsSpan(at, output.Length / images)) / images;
        }
        // A sum of a few hundred f32 numbers below 4.
        Assert.Equal(expected, total, 1e-5 * expected);
        for (var i = 0; i < delta.Length; i++) Assert.Equal(-2 * delta[i] / images, gradient[i], 2e-6);

        static double Darknet(ReadOnlySpan<float> y, float[] truth, int[] label, Span<double> delta)
        {
            var (cells, sum) = (side * side, 0.0);
            for (var i = cells * classes; i < cells * (classes + boxes); i++) delta[i] = 0.5 * (0 - y[i]);
            for (var cell = 0; cell < cells; cell++)
            {
                var mine = -1;
                for (var m = 0; m < label.Length; m++)
                    if ((int)((truth[4 * m + 1] + truth[4 * m + 3]) / 2 / imageSize * side) * side + (int)((truth[4 * m] + truth[4 * m + 2]) / 2 / imageSize * side) == cell) mine = m;
                var best = -1;
                if (mine >= 0)
                {
                    for (var c = 0; c < classes; c++) delta[cell * classes + c] = (c == label[mine] ? 1 : 0) - y[cell * classes + c];
                    var (x1, y1, x2, y2) = (truth[4 * mine] / (double)imageSize, truth[4 * mine + 1] / (double)imageSize, truth[4 * mine + 2] / (double)imageSize, truth[4 * mine + 3] / (double)imageSize);
                    double[] code = [(x1 + x2) / 2 * side - cell % side, (y1 + y2) / 2 * side - cell / side, Math.Sqrt(x2 - x1), Math.Sqrt(y2 - y1)];
                    var (iou, bestIou, bestDistance) = (0.0, 0.0, 20.0);
                    for (var b = 0; b < boxes; b++)
                    {
                        var p = y.Slice(cells * (classes + boxes) + 4 * (cell * boxes + b), 4);
                        // In the image, with the cell's corner: other numbers than the product's, the same boxes.
                        var (cx, cy, w, h) = ((cell % side + (double)p[0]) / side, (cell / side + (double)p[1]) / side, (double)p[2] * p[2], (double)p[3] * p[3]);
                        var overlap = Math.Max(0, Math.Min(cx + w / 2, x2) - Math.Max(cx - w / 2, x1)) * Math.Max(0, Math.Min(cy + h / 2, y2) - Math.Max(cy - h / 2, y1));
                        iou = overlap / (w * h + (x2 - x1) * (y2 - y1) - overlap);
                        var distance = Math.Sqrt(Math.Pow(cx - (x1 + x2) / 2, 2) + Math.Pow(cy - (y1 + y2) / 2, 2) + Math.Pow(w - (x2 - x1), 2) + Math.Pow(h - (y2 - y1), 2));
                        if (bestIou > 0 || iou > 0)
                        {
                            if (iou > bestIou) (best, bestIou) = (b, iou);
                        }
                        else if (distance < bestDistance) (best, bestDistance) = (b, distance);
                    }
                    var confidence = cells * classes + cell * boxes + best;
                    delta[confidence] = bestIou - y[confidence];
                    for (var i = 0; i < 4; i++)
                    {
                        var number = cells * (classes + boxes) + 4 * (cell * boxes + best) + i;
                        delta[number] = 5 * (code[i] - y[number]);
                        sum += delta[number] * delta[number] / 5;
                    }
                    sum += delta[confidence] * delta[confidence];
                    for (var c = 0; c < classes; c++) sum += delta[cell * classes + c] * delta[cell * classes + c];
                }
                for (var b = 0; b < boxes; b++)
                    if (b != best) sum += 0.5 * y[cells * classes + cell * boxes + b] * y[cells * classes + cell * boxes + b];
            }
            return sum;
        }
    }

    // With confidences of 1 the loss is quadratic in the last layer: central differences have no error but rounding, some 2^-22 of the loss
    // over a step of 2^-5, while no other box becomes responsible.
    [Fact]
    public void GradientsAreDifferenceQuotients()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV1Net.Compact(new Initializer(stream, 2), 64, 3);
        using var batch = new DetectionBatch(stream, 2, 64, places: 4);
        var scenes = SystemChecks.Scenes(64);
        batch.Fill([scenes.Load(0), scenes.Load(1)]);
        var tape = new Tape();
        var loss = YoloV1Loss.Of(net.Outputs(batch.Images(tape)), batch.Targets(tape), new YoloV1TargetsOperation(net.Side, net.Boxes, 3, 64, Rescores: false));
        using var program = tape.Compile(stream, loss.Total);
        program.Run();
        var value = program.ReadLoss();
        const float step = 1f / 32;
        var seen = 0;
        foreach (var parameter in net.Parameters.Where(p => p.Name.StartsWith("head", StringComparison.Ordinal)))
        {
            parameter.ClearGradient();
            program.Run();
            var gradient = parameter.Gradient.ToArray<float>(stream);
            var values = parameter.Value.ToArray<float>(stream);
            for (var k = 0; k < 6; k++, seen++)
            {
                var element = k * values.Length / 6;
                var x = values[element];
                var quotient = (At(x + step) - At(x - step)) / ((double)(x + step) - (x - step));
                At(x);
                Assert.Equal(quotient, gradient[element], 1e-3 * Math.Abs(quotient) + 2 * value * Math.ScaleB(1, -22) / step);

                double At(float to)
                {
                    values[element] = to;
                    parameter.Value.CopyFrom<float>(stream, values);
                    program.Run();
                    return program.ReadLoss();
                }
            }
        }
        Assert.Equal(12, seen);
    }

    private static (float Total, Dictionary<string, float> Parts, float[] Gradient) Run(
        DeviceStream stream, DeviceTensor raw, YoloV1Layout layout, int side, int boxes, int classes, float[][] truths, int[][] labels)
    {
        var (images, places) = (truths.Length, labels.Max(l => l.Length));
        var (allBoxes, allLabels) = (new float[images * places * 4], new int[images * places]);
        Array.Fill(allLabels, -1);
        for (var i = 0; i < images; i++)
        {
            truths[i].CopyTo(allBoxes, 4 * i * places);
            labels[i].CopyTo(allLabels, i * places);
        }
        using var boxTensor = DeviceTensor.From<float>(stream, allBoxes, images, places, 4);
        using var labelTensor = DeviceTensor.From<int>(stream, allLabels, images, places);
        var tape = new Tape();
        var input = tape.Input(raw, requiresGradient: true);
        var loss = YoloV1Loss.Of(YoloV1Outputs.Split(input, layout, side, boxes, classes),
            new DetectionTargets(tape.Input(boxTensor), tape.Input(labelTensor)), new YoloV1TargetsOperation(side, boxes, classes, 100, Rescores: true));
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();
        return (program.ReadLoss(), loss.Parts.ToDictionary(p => p.Name, p => program.Read(p.Loss).ToArray<float>(stream)[0]), program.Gradient(input).ToArray<float>(stream));
    }
}
