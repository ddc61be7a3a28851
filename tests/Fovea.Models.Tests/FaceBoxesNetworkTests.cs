using Fovea.Data;
using Fovea.Models.FaceBoxes;

namespace Fovea.Models.Tests;

public sealed class FaceBoxesNetworkTests
{
    private const int Width = 384, Height = 256, Anchors = (12 * 8 * 21) + (6 * 4) + (3 * 2);

    // Outputs of TensorFlow.js 4.22 (WebAssembly) for the picture below: element k*step + k % step, k = 0 .. 23, step = length / 24. Boxes
    // are rows of y x h w there.
    private static readonly float[] ExpectedBoxes =
    [
        -0.0612712726f, -1.72546601f, 0.0326483473f, -0.820308387f, 1.13269258f, -1.28358209f, 0.823441863f, -2.00104785f, 0.482154965f,
        -2.16627336f, 0.88973248f, -0.0773344487f, 0.0406760983f, -0.555417001f, 0.507085621f, -2.17732787f, 0.60792762f, -1.57022667f,
        0.796640337f, -1.63722527f, 0.72153312f, -0.962089956f, 0.349624306f, -1.23570073f,
    ];

    private static readonly float[] ExpectedScores =
    [
        -1.15934086f, -3.55226231f, -1.05028248f, -3.50930595f, -0.89831239f, -3.74637032f, -1.0556953f, -3.86434555f, -0.728066564f,
        -3.62871647f, -0.698761821f, -3.92425752f, -0.921521962f, -3.93107557f, -0.744719446f, -3.68117285f, -0.646153629f, -3.76445079f,
        -0.876377106f, -3.88486028f, -0.786578894f, -3.75173068f, -0.874801159f, -3.75523376f,
    ];

    [Fact]
    public void NetworkMatchesTensorFlow()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("faceboxes"), "faceboxes weights are not installed; run fovea models fetch faceboxes");
        using var stream = Device.Cpu.CreateStream();
        using var net = FaceBoxesNet.Load(stream, store);
        var (boxes, scores) = Run(stream, net);
        // Sums of another order: two runtimes differ by some 1e-6 of the largest values, which are about 4 here.
        for (int k = 0, step = boxes.Length / 24; k < 24; k++)
            Assert.Equal(ExpectedBoxes[k], boxes[(k * step + k % step) ^ 1], 1e-5f);
        for (int k = 0, step = scores.Length / 24; k < 24; k++) Assert.Equal(ExpectedScores[k], scores[k * step + k % step], 1e-5f);
    }

    [Fact]
    public void GeneratedWeightsMakeTheSameNetworkEverywhere()
    {
        var weights = FaceBoxesLayout.Weights();
        Assert.Equal(1_005_850, weights.Tensors.Sum(t => t.ElementCount));
        Assert.Equal(Anchors, FaceBoxesNet.AnchorCount(Height, Width));
        using var stream = Device.Cpu.CreateStream();
        using var net = new FaceBoxesNet(stream, weights);
        var (boxes, scores) = Run(stream, net);
        Assert.All(boxes.Concat(scores), value => Assert.True(float.IsFinite(value)));
        var (boxesAgain, scoresAgain) = Run(stream, net);
        Assert.Equal(boxes, boxesAgain);
        Assert.Equal(scores, scoresAgain);
    }

    [Fact]
    public void SmallAnchorsAreDensified()
    {
        float[] anchors = FaceBoxesNet.Anchors(0, 64, 64);
        Assert.Equal(2 * 2 * 21 * 4, anchors.Length);
        // Of the second cell of the first row: 16 squares of 32, 8 pixels apart, around its middle (48, 16), down first.
        Assert.Equal([20, -12, 52, 20, 20, -4, 52, 28], anchors[(21 * 4)..(21 * 4 + 8)]);
        Assert.Equal([44, 12, 76, 44], anchors[(21 * 4 + 15 * 4)..(21 * 4 + 16 * 4)]);
        // Then 4 squares of 64, 32 apart, and one of 128.
        Assert.Equal([0, -32, 64, 32, 0, 0, 64, 64], anchors[(21 * 4 + 16 * 4)..(21 * 4 + 18 * 4)]);
        Assert.Equal([-16, -48, 112, 80], anchors[(21 * 4 + 20 * 4)..(2 * 21 * 4)]);
        Assert.Equal([-192, -192, 320, 320], FaceBoxesNet.Anchors(2, 128, 128));
    }

    [Fact]
    public void AnotherNetworksWeightsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var weights = GeneratedTfjs.Create([("conv1/Conv2D_weights", [7, 7, 3, 24])]);
        var error = Assert.Throws<InvalidDataException>(() => new FaceBoxesNet(stream, weights));
        Assert.Contains("no weight 'conv1/Conv2D_bn_offset'", error.Message, StringComparison.Ordinal);
    }

    private static (float[] Boxes, float[] Scores) Run(DeviceStream stream, FaceBoxesNet net)
    {
        // The arithmetic of the published model, whose 1/255 is a 16-bit float.
        float[] input = Array.ConvertAll(GeneratedTfjs.Picture(Width, Height), value => value * 0.0039215087890625f * 2 - 1);
        using var x = DeviceTensor.From<float>(stream, input, 1, Height, Width, 3);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, Anchors, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, Anchors, 2);
        net.Forward(stream, x, boxes, scores);
        return (boxes.ToArray<float>(stream), scores.ToArray<float>(stream));
    }
}
