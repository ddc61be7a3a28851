using Fovea.Detection.Systems;
using Fovea.Detection.Tests.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Yolox;

public sealed class YoloxLossTests
{
    private const int Size = 32, Cells = 16 + 4 + 1, Classes = 3;

    private static readonly float[][] Grid =
        [.. from stride in (int[])[8, 16, 32] from i in Enumerable.Range(0, Size / stride * (Size / stride)) select new float[] { i % (Size / stride), i / (Size / stride), stride }];

    // Random outputs for two images, one of them without objects; loss and gradient in double, assignment and overlaps held as they are.
    [Fact]
    public void EqualsTheSumInDouble()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = new YoloxSystem(stream, new Models.Detectors.YoloxNet(Initializer.Undefined(stream), 0.33, 0.25, Classes), Size, l1Weight: 1);
        var init = new Initializer(stream, 8);
        using var classes = init.Uniform(2, 2, Cells, Classes);
        using var objectness = init.Uniform(2, 2, Cells, 1);
        using var boxes = init.Uniform(0.7f, 2, Cells, 4);
        float[][] truths = [[2, 3, 17, 20], [12, 10, 30, 22]];
        int[] labels = [2, 0];
        using var boxTensor = DeviceTensor.From<float>(stream, [.. truths[0], .. truths[1], 0, 0, 0, 0, 0, 0, 0, 0], 2, 2, 4);
        using var labelTensor = DeviceTensor.From<int>(stream, [.. labels, -1, -1], 2, 2);
        var tape = new Tape();
        Value[] raw = [tape.Input(classes, requiresGradient: true), tape.Input(objectness, requiresGradient: true), tape.Input(boxes, requiresGradient: true)];
        var loss = system.Loss(raw[0], raw[1], raw[2], new DetectionTargets(tape.Input(boxTensor), tape.Input(labelTensor)));
        using var program = tape.Compile(stream, loss.Total);
        program.Run();

        double[][] numbers = [.. new[] { classes, objectness, boxes }.Select(t => t.ToArray<float>(stream).Select(v => (double)v).ToArray())];
        var (matched, overlaps) = NaiveSimOta.Assign(
            [.. Enumerable.Range(0, Cells).Select(a => numbers[0].AsSpan(a * Classes, Classes).ToArray().Select(v => (float)v).ToArray())],
            [.. numbers[1].Take(Cells).Select(v => (float)v)], [.. Enumerable.Range(0, Cells).Select(a => Decode(numbers[2], a))], Grid, truths, labels);
        Assert.Contains(0, matched);
        Assert.Contains(1, matched);
        var expected = Loss();
        // A sum of some two hundred f32 numbers of the order of 1 over few cells.
        Assert.Equal(expected, program.ReadLoss(), 1e-5 * expected);
        for (var part = 0; part < 3; part++)
        {
            var gradient = program.Gradient(raw[part]).ToArray<float>(stream);
            for (var i = 0; i < gradient.Length; i++)
            {
                const double step = 1e-6;
                var x = numbers[part][i];
                numbers[part][i] = x + step;
                var above = Loss();
                numbers[part][i] = x - step;
                var quotient = (above - Loss()) / (2 * step);
                numbers[part][i] = x;
                Assert.Equal(quotient, gradient[i], 1e-5 * (1 + Math.Abs(quotient)));
            }
        }

        double Loss()
        {
            double sum = 0;
            var positives = matched.Count(m => m >= 0);
            for (var a = 0; a < 2 * Cells; a++)
            {
                var m = a < Cells ? matched[a] : -1;
                sum += CrossEntropy(numbers[1][a], m >= 0 ? 1 : 0);
                if (m < 0) continue;
                for (var c = 0; c < Classes; c++) sum += CrossEntropy(numbers[0][a * Classes + c], c == labels[m] ? overlaps[a] : 0);
                sum += 5 * (1 - Math.Pow(NaiveSimOta.Iou(Decode(numbers[2], a), truths[m]), 2));
                var (x1, y1, x2, y2) = (truths[m][0], truths[m][1], truths[m][2], truths[m][3]);
                var (column, row, stride) = (Grid[a][0], Grid[a][1], Grid[a][2]);
                double[] code = [(x1 + x2) / 2 / stride - column, (y1 + y2) / 2 / stride - row, Math.Log((x2 - x1) / stride), Math.Log((y2 - y1) / stride)];
                for (var i = 0; i < 4; i++) sum += Math.Abs(numbers[2][4 * a + i] - code[i]);
            }
            return sum / positives;
        }
    }

    private static double CrossEntropy(double x, double target) => Math.Log(1 + Math.Exp(x)) - x * target;

    private static double[] Decode(double[] codes, int a)
    {
        var (column, row, stride) = (Grid[a % Cells][0], Grid[a % Cells][1], Grid[a % Cells][2]);
        var (x, y, w, h) = ((codes[4 * a] + column) * stride, (codes[4 * a + 1] + row) * stride, Math.Exp(codes[4 * a + 2]) * stride, Math.Exp(codes[4 * a + 3]) * stride);
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    }
}
