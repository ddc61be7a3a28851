using Fovea.Data;
using Fovea.Models.Mtcnn;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class TrainableMtcnnTests
{
    // The networks that run pack their weights and may take Winograd's sums; outputs are of order 1 and below.
    private const double Tolerance = 1e-5;

    [Fact]
    public void ParameterCountsAreThePublishedOnes()
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = new MtcnnNets(Initializer.Undefined(stream));
        Assert.Equal([6_632L, 100_178, 389_040], ((TrainableMtcnnNet[])[nets.Proposal, nets.Refinement, nets.Output]).Select(n => n.Parameters.Sum(p => p.Spec.ElementCount)));
    }

    // P-Net over an image that is no square and looks different from every side: a transposition would show.
    [Fact]
    public void ProposalNetRunsWhatWasTrained()
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = Nets(stream);
        using var image = new Initializer(stream, 5).Uniform(1, 1, 26, 20, 3);
        using var net = new ProposalNet(stream, nets.Proposal);
        using var y = net.Forward(stream, image);
        Assert.Equal([1L, 8, 5, 6], y.Shape);
        AreEqual(Trained(stream, nets.Proposal, image), y.ToArray<float>(stream), 6);
        using var turned = DeviceTensor.From<float>(stream, Transposed(image.ToArray<float>(stream), 26, 20), 1, 20, 26, 3);
        using var other = net.Forward(stream, turned);
        Assert.NotEqual(y.ToArray<float>(stream)[0], other.ToArray<float>(stream)[0], 1e-4f);
    }

    [Fact]
    public void RefinementAndOutputNetRunWhatWasTrained()
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = Nets(stream);
        using (var crops = new Initializer(stream, 6).Uniform(1, 3, 24, 24, 3))
        using (var net = new RefinementNet(stream, nets.Refinement))
        using (var y = DeviceTensor.Allocate(stream, DType.Float32, 3, 6))
        {
            net.Forward(stream, crops, y);
            AreEqual(Trained(stream, nets.Refinement, crops), y.ToArray<float>(stream), 6);
        }
        using (var crops = new Initializer(stream, 7).Uniform(1, 2, 48, 48, 3))
        using (var net = new OutputNet(stream, nets.Output))
        using (var y = DeviceTensor.Allocate(stream, DType.Float32, 2, 16))
        {
            net.Forward(stream, crops, y);
            AreEqual(Trained(stream, nets.Output, crops), y.ToArray<float>(stream), 16);
        }
    }

    [Fact]
    public void AnotherNetworkIsRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = new MtcnnNets(Initializer.Undefined(stream));
        Assert.Contains("rnet has no pnet.conv", Assert.Throws<ArgumentException>(() => new ProposalNet(stream, nets.Refinement)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesBringTheSameNetworksBack()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("fovea").FullName, "mtcnn.safetensors");
        using var stream = Device.Cpu.CreateStream();
        using var nets = Nets(stream);
        nets.Save(path);
        using (var read = MtcnnNets.Load(stream, path))
        {
            foreach (var (a, b) in nets.Parameters.Zip(read.Parameters))
                Assert.Equal(a.Value.ToArray<float>(stream), b.Value.ToArray<float>(stream));
        }
        var writer = new SafetensorsWriter();
        writer.Add("pnet.conv1.weight", SafetensorsDType.F32, [1], () => new byte[4]);
        writer.Save(path);
        Assert.Contains("pnet.conv1.weight", Assert.Throws<SafetensorsException>(() => MtcnnNets.Load(stream, path)).Message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    // Biases and slopes that are neither 0 nor equal.
    private static MtcnnNets Nets(DeviceStream stream)
    {
        var init = new Initializer(stream, 3);
        var nets = new MtcnnNets(init);
        foreach (var parameter in nets.Parameters.Where(p => p.Spec.Rank == 1 || p.Name.StartsWith("pnet.conv4", StringComparison.Ordinal)))
        {
            using var noise = init.Uniform(0.3f, parameter.Spec.Shape);
            Kernels.Binary(stream, BinaryOp.Add, parameter.Value, noise, parameter.Value);
        }
        return nets;
    }

    private static float[] Trained(DeviceStream stream, TrainableMtcnnNet net, DeviceTensor x)
    {
        var tape = new Tape();
        var y = net.Forward(tape.Input(x));
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        return program.Read(y).ToArray<float>(stream);
    }

    // Where training has two logits, the network that runs has their softmax.
    private static void AreEqual(float[] trained, float[] run, int columns)
    {
        Assert.Equal(trained.Length, run.Length);
        for (var i = 0; i < run.Length; i++)
        {
            var (row, column) = (i / columns * columns, i % columns);
            var expected = column < 2 ? 1 / (1 + Math.Exp(trained[row + 1 - column] - trained[row + column])) : trained[i];
            Assert.Equal(expected, run[i], Tolerance);
        }
    }

    private static float[] Transposed(float[] image, int rows, int columns)
    {
        var turned = new float[image.Length];
        for (var y = 0; y < rows; y++)
            for (var x = 0; x < columns; x++) image.AsSpan((y * columns + x) * 3, 3).CopyTo(turned.AsSpan((x * rows + y) * 3));
        return turned;
    }
}
