using Fovea.Bench.Peers.Ort;
using Fovea.Data;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>Compares the ONNX networks with recorded inputs and outputs of the original ones. A folder holds
/// <c>pnet_l*_{input,prob,reg}.npy</c>, <c>rnet_{input,prob1,conv5-2}.npy</c> and <c>onet_{input,prob1,conv6-2,conv6-3}.npy</c>;
/// maps are transposed images <c>[N][x][y][channel]</c>.</summary>
internal static class PeerCheck
{
    // f32 sums of up to 1152 terms of order 1, in another order.
    private const float Tolerance = 1e-4f;

    /// <summary>Prints the largest difference per network; false when one exceeds the tolerance.</summary>
    public static bool Run(ModelStore store, string folder)
    {
        bool good = true;
        using (var net = new OrtNet(MtcnnOnnx.Proposal(store.LoadTflite("mtcnn", "pnet.tflite")), threads: 1))
        {
            int levels = 0;
            for (; File.Exists(Path.Combine(folder, $"pnet_l{levels}_input.npy")); levels++)
                good &= Compare(net, folder, $"pnet_l{levels}_input", $"pnet_l{levels}_prob", $"pnet_l{levels}_reg");
            if (levels == 0) throw new FileNotFoundException($"{folder} holds no pnet_l0_input.npy.");
        }

        using (var net = new OrtNet(MtcnnOnnx.Refinement(store.LoadTflite("mtcnn", "rnet.tflite")), threads: 1))
            good &= Compare(net, folder, "rnet_input", "rnet_prob1", "rnet_conv5-2");
        using (var net = new OrtNet(MtcnnOnnx.Output(store.LoadTflite("mtcnn", "onet.tflite")), threads: 1))
            good &= Compare(net, folder, "onet_input", "onet_prob1", "onet_conv6-2", "onet_conv6-3");
        return good;
    }

    private static bool Compare(OrtNet net, string folder, string inputName, params string[] outputNames)
    {
        var (shape, data) = ToNchw(NumpyFile.Load(Path.Combine(folder, inputName + ".npy")));
        var expected = outputNames.Select(name => ToNchw(NumpyFile.Load(Path.Combine(folder, name + ".npy")))).ToArray();
        using var input = new NativeFloats(data.Length);
        data.CopyTo(input.Span);
        var outputs = expected.Select(e => new NativeFloats(e.Data.Length)).ToArray();
        using (var x = input.Tensor(shape))
        {
            var values = outputs.Zip(expected, (memory, e) => memory.Tensor(e.Shape)).ToArray();
            using (var binding = net.Bind(x, values)) net.Run(binding);
            foreach (var value in values) value.Dispose();
        }

        bool good = true;
        for (int i = 0; i < outputs.Length; i++)
        {
            float difference = 0;
            for (int j = 0; j < expected[i].Data.Length; j++) difference = Math.Max(difference, Math.Abs(outputs[i].Span[j] - expected[i].Data[j]));
            bool close = difference <= Tolerance;
            Console.WriteLine($"{outputNames[i],-14} [{string.Join(',', expected[i].Shape)}] largest difference {difference:g2}{(close ? "" : "  TOO LARGE")}");
            good &= close;
            outputs[i].Dispose();
        }

        return good;
    }

    /// <summary><c>[N][x][y][c]</c> to <c>[N][c][y][x]</c>; matrices stay.</summary>
    private static (long[] Shape, float[] Data) ToNchw(NumpyFile file)
    {
        if (file.Shape.Length == 2) return ([file.Shape[0], file.Shape[1]], file.Data);
        int n = file.Shape[0], width = file.Shape[1], height = file.Shape[2], channels = file.Shape[3];
        var data = new float[file.Data.Length];
        int at = 0;
        for (int image = 0; image < n; image++)
            for (int c = 0; c < channels; c++)
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        data[at++] = file.Data[((image * width + x) * height + y) * channels + c];
        return ([n, channels, height, width], data);
    }
}
