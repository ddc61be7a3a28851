using System.Runtime.InteropServices;
using System.Text;
using Fovea.Data;
using Fovea.Models.TextRecognition;
using Fovea.Tests.Support;

namespace Fovea.Models.Tests.TextRecognition;

/// <summary>PP-OCRv4's weights against what ONNX Runtime made of the same line.</summary>
public sealed class PpOcrRecognizerTests : IDisposable
{
    private const int OracleWidth = 600;
    private const string OracleText = "Region-based segmentation";

    // Both runtimes add f32 products in an order of their own. A sum of n terms is off by some 2^-24 sqrt(n) of its size, 6e-7 for n = 100;
    // over 45 layers these errors, as independent ones, grow to 4e-6, which is 8e-5 of a logit of 20. An error d of the logits moves a
    // probability p by at most 2 p (1 - p) d, so by d / 2.
    private const double Tolerance = 4e-5;

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void ProbabilitiesEqualThoseOfOnnxRuntime()
    {
        var (input, expected) = (OracleInput(), Oracle("onnx/ppocr_v4_rec_line1/softmax_11.tmp_0.npy"));
        using var net = Net();
        using var x = DeviceTensor.From<float>(_stream, KernelLayout.ChannelsFirst(input, PpOcrRecognizer.Height * OracleWidth),
            1, PpOcrRecognizer.Height, OracleWidth, 3);
        using var y = net.Forward(_stream, x);
        Assert.Equal([OracleWidth / 8, TextAlphabet.Classes], y.Shape.ToArray());
        var actual = y.ToArray<float>(_stream);
        double worst = 0;
        for (var i = 0; i < expected.Length; i++) worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
        Assert.InRange(worst, 0, Tolerance);
    }

    // The same line as pixels, which the recogniser pads from 600 to 608 columns.
    [Fact]
    public void ALineIsRead()
    {
        var image = OracleImage();
        using var net = Net();
        using var recognizer = new TextRecognizer(_stream, net);
        var read = recognizer.Recognize(image);
        Assert.Equal(OracleText, read.Text);
        Assert.InRange(read.Confidence, 0.9f, 1);
    }

    // Twice as large: scaled down again, the text is the same.
    [Fact]
    public void ALargerPictureIsScaled()
    {
        var image = OracleImage();
        var large = new RgbImage(2 * image.Width, 2 * image.Height);
        Span<byte> from = image.Pixels.Span, to = large.Pixels.Span;
        for (var y = 0; y < large.Height; y++)
            for (var x = 0; x < large.Width; x++)
                from.Slice(3 * (y / 2 * image.Width + x / 2), 3).CopyTo(to[(3 * (y * large.Width + x))..]);
        using var net = Net();
        using var recognizer = new TextRecognizer(_stream, net);
        Assert.Equal(OracleText, recognizer.Recognize(large).Text);
    }

    [Fact]
    public void GraphsAreKeptPerWidthAndMakeNoGarbage()
    {
        using var net = Net();
        using var recognizer = new TextRecognizer(_stream, net);
        var graph = recognizer.Graph(320);
        Assert.Same(graph, recognizer.Graph(320));
        graph.Input.Fill(_stream, 0);
        graph.Run(_stream);
        Assert.Equal(40, graph.Classes.Length);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (var i = 0; i < 3; i++) graph.Run(_stream);
        }));
        // Eight others push it out.
        for (var width = 352; width < 352 + 8 * 32; width += 32) recognizer.Graph(width);
        Assert.NotSame(graph, recognizer.Graph(320));
    }

    [Fact]
    public void AnEmptyPictureHasNoText()
    {
        using var net = Net();
        using var recognizer = new TextRecognizer(_stream, net);
        var white = new RgbImage(200, 50);
        white.Pixels.Span.Fill(255);
        Assert.Equal(new RecognizedText("", 0), recognizer.Recognize(white));
    }

    // A model with one initializer: "a", f32 [1].
    [Fact]
    public void AnotherNetworksFileIsRefused()
    {
        byte[] other = [0x3A, 15, 0x2A, 13, 0x08, 1, 0x10, 1, 0x42, 1, (byte)'a', 0x4A, 4, 0, 0, 0, 0];
        var keys = string.Join('\n', Enumerable.Repeat("k", TextAlphabet.Classes - 2));
        var alphabet = TextAlphabet.Parse(Encoding.UTF8.GetBytes(keys), "keys");
        var weights = OnnxWeights.Parse(other, "other.onnx");
        var error = Assert.Throws<InvalidDataException>(() => new PpOcrRecognizer(_stream, weights, alphabet));
        Assert.StartsWith("other.onnx: there is no constant 'conv2d_10.w_0'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(600, 48, 600)]
    [InlineData(1, 1000, 1)]
    [InlineData(100, 47, 103)] // 102.1
    [InlineData(int.MaxValue, 1, 103079215056)]
    public void WidthsKeepTheRatio(int width, int height, long expected) =>
        Assert.Equal(expected, TextRecognizer.ScaledWidth(width, height));

    [Fact]
    public void TooWideLinesAreRefused()
    {
        Assert.True(TextRecognizer.Fits(new RgbImage(4096, 48)));
        var wide = new RgbImage(4097, 48);
        Assert.False(TextRecognizer.Fits(wide));
        using var net = Net();
        using var recognizer = new TextRecognizer(_stream, net);
        var error = Assert.Throws<ArgumentException>(() => recognizer.Recognize(wide));
        Assert.StartsWith("a picture of 4097x48 is wider than 4096 at a height of 48", error.Message, StringComparison.Ordinal);
    }

    private PpOcrRecognizer Net()
    {
        var store = new ModelStore();
        Assert.SkipUnless(
            store.IsInstalled(PpOcrRecognizer.ModelName), "ppocr-v4-rec is not installed; run fovea models fetch ppocr-v4-rec");
        return PpOcrRecognizer.Load(_stream, store);
    }

    // [1][3][48][600]
    private static float[] OracleInput() => Oracle("onnx_inputs/ppocr_rec_line1.npy");

    private static RgbImage OracleImage()
    {
        var input = OracleInput();
        var image = new RgbImage(OracleWidth, PpOcrRecognizer.Height);
        var pixels = image.Pixels.Span;
        var plane = input.Length / 3;
        for (var i = 0; i < input.Length; i++) pixels[i % plane * 3 + 2 - i / plane] = (byte)Math.Round((input[i] + 1) * 127.5f);
        return image;
    }

    // Version 1 .npy files of f32: the header ends with the first line.
    private static float[] Oracle(string file)
    {
        var bytes = File.ReadAllBytes(SharedData.File(["models", "oracle", .. file.Split('/')]));
        return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(bytes.AsSpan().IndexOf((byte)'\n') + 1)).ToArray();
    }
}
