using Fovea.Data;
using Fovea.Models.NanoDet;

namespace Fovea.Models.Tests;

public sealed class NanoDetNetworkTests
{
    // Logits of TensorFlow.js 4.22 (WebAssembly) for the picture below: of each level element k*step + k % step, k = 0 .. 23, where
    // step = length / 24.
    private static readonly float[][] Expected =
    [
        [
            -3.35251594f, 0.704796672f, -5.10965252f, -7.01253557f, 2.33963156f, -5.78009462f, -5.27164125f, 1.20880592f, -7.64750528f,
            -6.95168972f, 0.868749261f, -5.91633749f, -5.24093533f, -0.865705669f, -5.95047617f, -7.62926388f, -1.75868618f, -4.89016199f,
            -5.42496109f, -1.5893997f, -8.19419289f, -6.40489244f, -1.33793712f, -6.2403059f,
        ],
        [
            -4.42700481f, -5.52336693f, -2.70890999f, -4.581707f, 0.683521807f, 0.651441336f, -6.71303177f, -6.92331648f, -4.76880693f,
            -6.78132153f, 0.646387637f, -0.111999869f, -5.03528643f, -5.43618107f, -4.5487957f, -5.60731649f, -0.542398691f, -0.366272718f,
            -6.42663145f, -4.93143129f, -5.90502119f, -4.89259911f, -1.44195175f, -1.62816095f,
        ],
        [
            -4.16484165f, -4.63016891f, -5.09163189f, -5.05481243f, -4.73670197f, -3.85641861f, -3.08538246f, -3.12292027f, -4.56644249f,
            -4.54464626f, -1.36439478f, -5.31522512f, -4.85514498f, -4.57643938f, 0.620929599f, -1.97270048f, 0.636438847f, -0.672066152f,
            0.0571386404f, 1.38609445f, -1.30060732f, -4.993752f, -4.8458128f, -4.95069361f,
        ],
    ];

    [Fact]
    public void NetworkMatchesTensorFlow()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("nanodet"), "nanodet weights are not installed; run fovea models fetch nanodet");
        using var stream = Device.Cpu.CreateStream();
        using var net = NanoDetNet.Load(stream, store);
        float[] rows = Run(stream, net);
        int first = 0;
        for (int level = 0; level < Expected.Length; level++)
        {
            int side = NanoDetNet.InputSize / NanoDetNet.Strides[level];
            var map = rows.AsSpan(first, side * side * NanoDetNet.Outputs);
            first += map.Length;
            int step = map.Length / Expected[level].Length;
            // Sums of another order: two runtimes differ by some 1e-6 of the largest logits, which are about 9 here.
            for (int k = 0; k < Expected[level].Length; k++) Assert.Equal(Expected[level][k], map[k * step + k % step], 2e-5f);
        }

        Assert.Equal(rows.Length, first);
    }

    [Fact]
    public void GeneratedWeightsMakeTheSameNetworkEverywhere()
    {
        var weights = NanoDetLayout.Weights();
        Assert.Equal(3_786_068, weights.Tensors.Sum(t => t.ElementCount));
        using var stream = Device.Cpu.CreateStream();
        using var net = new NanoDetNet(stream, weights);
        float[] rows = Run(stream, net);
        Assert.Equal(3549 * 124, rows.Length);
        Assert.All(rows, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(rows, Run(stream, net));
    }

    [Fact]
    public void CellsLieInTheMiddle()
    {
        float[] cells = NanoDetNet.Cells();
        Assert.Equal(3 * 3549, cells.Length);
        Assert.Equal([4, 4, 8, 12, 4, 8], cells[..6]);
        Assert.Equal([8, 8, 16], cells[(3 * 2704)..(3 * 2704 + 3)]);
        Assert.Equal([400, 400, 32], cells[^3..]);
    }

    [Fact]
    public void AnotherNetworksWeightsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var weights = GeneratedTfjs.Create([("PartitionedCall/split", [5, 5, 3, 32])]);
        var error = Assert.Throws<InvalidDataException>(() => new NanoDetNet(stream, weights));
        Assert.Contains("should have shape [3,3,3,32]", error.Message, StringComparison.Ordinal);
    }

    // The picture as the network's input, value/64 - 2: exact in every runtime.
    private static float[] Run(DeviceStream stream, NanoDetNet net)
    {
        const int size = NanoDetNet.InputSize;
        float[] input = Array.ConvertAll(GeneratedTfjs.Picture(size, size), value => value / 64f - 2);
        using var x = DeviceTensor.From<float>(stream, input, 1, size, size, 3);
        using var rows = DeviceTensor.Allocate(stream, DType.Float32, NanoDetNet.Rows, NanoDetNet.Outputs);
        net.Forward(stream, x, rows);
        return rows.ToArray<float>(stream);
    }
}
