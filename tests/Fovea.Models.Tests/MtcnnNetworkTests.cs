using Fovea.Data;
using Fovea.Models.Mtcnn;

namespace Fovea.Models.Tests;

public sealed class MtcnnNetworkTests
{
    // Winograd tiles of the dense map and of a single window cut the sums differently; outputs are of order 1 and below.
    private const float Tolerance = 1e-5f;

    [Theory]
    [InlineData("pnet.tflite", 6632)]
    [InlineData("rnet.tflite", 100178)]
    [InlineData("onet.tflite", 389040)]
    public void ParameterCountsAreThePublishedOnes(string file, long expected) =>
        Assert.Equal(expected, Load(file).Tensors.Where(t => t.IsConstant && t.Type == TfliteElementType.Float32).Sum(t => t.ElementCount));

    [Fact]
    public void ProposalNetOnOneWindowGivesOneCell()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = new ProposalNet(stream, Load("pnet.tflite"));
        using var x = DeviceTensor.From<float>(stream, Noise(12 * 12 * 3), 1, 12, 12, 3);
        using var y = net.Forward(stream, x);
        Assert.Equal([1, 1, 1, 6], y.Shape.ToArray());
        var values = y.AsSpan<float>();
        Assert.Equal(1, values[0] + values[1], 6);
    }

    /// <summary>A fully convolutional net over an image is the sliding window of its receptive field: size 12, step 2.</summary>
    [Fact]
    public void TheDenseMapEqualsTheNetOnEveryWindow()
    {
        const int height = 30, width = 38;
        using var stream = Device.Cpu.CreateStream();
        using var net = new ProposalNet(stream, Load("pnet.tflite"));
        float[] image = Noise(height * width * 3);
        using var x = DeviceTensor.From<float>(stream, image, 1, height, width, 3);
        using var dense = net.Forward(stream, x);
        int rows = (int)dense.Shape[1], columns = (int)dense.Shape[2];
        Assert.Equal((10, 14), (rows, columns));
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                var window = new float[12 * 12 * 3];
                for (int r = 0; r < 12; r++)
                    image.AsSpan(((2 * i + r) * width + 2 * j) * 3, 36).CopyTo(window.AsSpan(r * 36));
                using var crop = DeviceTensor.From<float>(stream, window, 1, 12, 12, 3);
                using var single = net.Forward(stream, crop);
                for (int c = 0; c < 6; c++)
                    Assert.Equal(dense.AsSpan<float>()[(i * columns + j) * 6 + c], single.AsSpan<float>()[c], Tolerance);
            }
        }
    }

    [Fact]
    public void AnotherNetworksFileIsRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var error = Assert.Throws<InvalidDataException>(() => new ProposalNet(stream, Load("rnet.tflite")));
        Assert.Contains("pnet/conv4-1/weights/read", error.Message, StringComparison.Ordinal);
    }

    private static TfliteModel Load(string file)
    {
        try
        {
            return new ModelStore().LoadTflite("mtcnn", file);
        }
        catch (ModelNotInstalledException)
        {
            Assert.Skip("mtcnn weights are not installed; run ./build/models.sh");
            throw;
        }
    }

    private static float[] Noise(int count)
    {
        var random = new Random(7);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle() * 2 - 1;
        return values;
    }
}
