using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.YoloV2;

public sealed class YoloV2LossTests
{
    private const int Side = 4, Size = 64, Classes = 3, Stride = Size / Side;

    private static readonly (float Width, float Height)[] Anchors = [(12, 12), (30, 14), (14, 30)];

    // Random outputs for two images: in the first, two objects at different anchors of one cell and two at the same one; the second is empty.
    // The loss in double, and as its gradient minus what darknet's region layer passes back, divided by the images.
    [Fact]
    public void EqualsDarknetsRegionLayer()
    {
        var rows = Side * Side * Anchors.Length;
        using var stream = Device.Cpu.CreateStream();
        using var system = new YoloV2System(stream, YoloV2Net.Compact(Initializer.Undefined(stream), Anchors, Classes), Size);
        var init = new Initializer(stream, 21);
        using var classes = init.Uniform(2, 2, rows, Classes);
        using var objectness = init.Uniform(2, 2, rows, 1);
        using var boxes = init.Uniform(0.5f, 2, rows, 4);
        float[][] truths = [[2, 4, 30, 18], [10, 0, 22, 28], [36, 34, 50, 46], [37, 35, 47, 47]];
        int[] labels = [2, 0, 1, 2];
        using var boxTensor = DeviceTensor.From<float>(stream, [.. truths.SelectMany(t => t), .. new float[16]], 2, 4, 4);
        using var labelTensor = DeviceTensor.From<int>(stream, [.. labels, -1, -1, -1, -1], 2, 4);
        var tape = new Tape();
        Value[] raw = [tape.Input(classes, requiresGradient: true), tape.Input(objectness, requiresGradient: true), tape.Input(boxes, requiresGradient: true)];
        var loss = system.Loss(raw[0], raw[1], raw[2], new DetectionTargets(tape.Input(boxTensor), tape.Input(labelTensor)));
        using var program = tape.Compile(stream, loss.Total);
        program.Run();

        float[][] y = [.. new[] { classes, objectness, boxes }.Select(t => t.ToArray<float>(stream))];
        double[][] delta = [new double[2 * rows * Classes], new double[2 * rows], new double[2 * rows * 4]];
        var (sum, ignored) = (0.0, 0);
        for (var at = 0; at < 2 * rows; at++)
        {
            var objectProbability = Sigmoid(y[1][at]);
            var overlap = at < rows ? truths.Max(t => Iou(Box(at), t)) : 0;
            if (overlap > 0.6) ignored++;
            else
            {
                delta[1][at] = (0 - objectProbability) * Slope(objectProbability);
                sum += objectProbability * objectProbability / 2;
            }
        }
        // Cells and anchors by hand: flat and tall in cell (1, 0), the small ones in cell (2, 2), of which the last stays.
        foreach (var (m, cell, anchor) in new[] { (0, 1, 1), (1, 1, 2), (3, 10, 0) })
        {
            var (at, t) = (cell * Anchors.Length + anchor, truths[m]);
            var objectProbability = Sigmoid(y[1][at]);
            if (delta[1][at] != 0) sum -= objectProbability * objectProbability / 2;
            var iou = Iou(Box(at), t);
            delta[1][at] = 5 * (iou - objectProbability) * Slope(objectProbability);
            sum += 5 * Math.Pow(iou - objectProbability, 2) / 2;
            var scale = 2 - (t[2] - t[0]) * (t[3] - t[1]) / (double)(Size * Size);
            double[] code = [(t[0] + t[2]) / 2.0 / Stride - cell % Side, (t[1] + t[3]) / 2.0 / Stride - cell / Side, Math.Log((t[2] - t[0]) / Anchors[anchor].Width), Math.Log((t[3] - t[1]) / Anchors[anchor].Height)];
            for (var i = 0; i < 4; i++)
            {
                var number = i < 2 ? Sigmoid(y[2][4 * at + i]) : y[2][4 * at + i];
                delta[2][4 * at + i] = scale * (code[i] - number) * (i < 2 ? Slope(number) : 1);
                sum += scale * Math.Pow(code[i] - number, 2) / 2;
            }
            var all = Enumerable.Range(0, Classes).Sum(c => Math.Exp(y[0][at * Classes + c]));
            for (var c = 0; c < Classes; c++) delta[0][at * Classes + c] = (c == labels[m] ? 1 : 0) - Math.Exp(y[0][at * Classes + c]) / all;
            sum -= Math.Log(Math.Exp(y[0][at * Classes + labels[m]]) / all);
        }
        // Some boxes of the ground must have been let off.
        Assert.True(ignored > 0);
        Assert.Equal(sum / 2, program.ReadLoss(), 1e-5 * sum);
        for (var part = 0; part < 3; part++)
        {
            var gradient = program.Gradient(raw[part]).ToArray<float>(stream);
            for (var i = 0; i < gradient.Length; i++) Assert.Equal(-delta[part][i] / 2, gradient[i], 2e-6);
        }

        double[] Box(int at)
        {
            var (cell, anchor) = (at % rows / Anchors.Length, Anchors[at % Anchors.Length]);
            var (x, yy) = ((Sigmoid(y[2][4 * at]) + cell % Side) * Stride, (Sigmoid(y[2][4 * at + 1]) + cell / Side) * Stride);
            var (w, h) = (Math.Exp(y[2][4 * at + 2]) * anchor.Width, Math.Exp(y[2][4 * at + 3]) * anchor.Height);
            return [x - w / 2, yy - h / 2, x + w / 2, yy + h / 2];
        }
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Slope(double sigmoid) => sigmoid * (1 - sigmoid);

    private static double Iou(double[] a, float[] b)
    {
        var overlap = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        return overlap / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (double)(b[3] - b[1]) - overlap);
    }
}
