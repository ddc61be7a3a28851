using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Mtcnn;

/// <summary>One of MTCNN's three networks as it is trained, on windows of its size; <see cref="ProposalNet"/>, <see cref="RefinementNet"/> and
/// <see cref="OutputNet"/> run it.</summary>
public sealed class TrainableMtcnnNet : Module
{
    private static readonly ConvStyle Plain = new() { Normalization = Normalization.None, Activation = Activation.None };

    private readonly List<Module> _features = [];
    private readonly List<Module> _heads = [];
    private int _dense = -1; // the first of the features that takes rows instead of maps

    private TrainableMtcnnNet(string name, int window, int outputs) : base(name) => (Window, Outputs) = (window, outputs);

    /// <summary>Side of the windows, in pixels.</summary>
    public int Window { get; }

    /// <summary>Numbers per window: two class logits (background, face), dx1, dy1, dx2, dy2, and for O-Net x1..x5 and y1..y5.</summary>
    public int Outputs { get; }

    /// <summary>P-Net, 6,632 parameters. Without fully connected layers, so that it also takes whole images.</summary>
    public static TrainableMtcnnNet Proposal(Initializer init)
    {
        var net = new TrainableMtcnnNet("pnet", ProposalNet.Window, ProposalNet.Outputs);
        net.Conv(init, 1, 3, 10, 3);
        net.Pool(2, ceiling: true);
        net.Conv(init, 2, 10, 16, 3);
        net.Conv(init, 3, 16, 32, 3);
        net._heads.Add(net.Add(new PredictionConv(init, "pnet.conv4-1", 32, 2, kernel: 1)));
        net._heads.Add(net.Add(new PredictionConv(init, "pnet.conv4-2", 32, 4, kernel: 1)));
        return net;
    }

    /// <summary>R-Net, 100,178 parameters.</summary>
    public static TrainableMtcnnNet Refinement(Initializer init)
    {
        var net = new TrainableMtcnnNet("rnet", RefinementNet.Window, RefinementNet.Outputs);
        net.Conv(init, 1, 3, 28, 3);
        net.Pool(3, ceiling: true);
        net.Conv(init, 2, 28, 48, 3);
        net.Pool(3, ceiling: false);
        net.Conv(init, 3, 48, 64, 2);
        net.Dense(init, 4, 3 * 3 * 64, 128, 2, 4);
        return net;
    }

    /// <summary>O-Net, 389,040 parameters.</summary>
    public static TrainableMtcnnNet Output(Initializer init)
    {
        var net = new TrainableMtcnnNet("onet", OutputNet.Window, OutputNet.Outputs);
        net.Conv(init, 1, 3, 32, 3);
        net.Pool(3, ceiling: true);
        net.Conv(init, 2, 32, 64, 3);
        net.Pool(3, ceiling: false);
        net.Conv(init, 3, 64, 64, 3);
        net.Pool(2, ceiling: true);
        net.Conv(init, 4, 64, 128, 2);
        net.Dense(init, 5, 3 * 3 * 128, 256, 2, 4, 10);
        return net;
    }

    /// <summary>Windows [N][W][W][3], normalised RGB, to [N][<see cref="Outputs"/>]; P-Net gives a row for each window of a larger
    /// image.</summary>
    public override Value Forward(Value x)
    {
        for (var i = 0; i < _features.Count; i++)
        {
            if (i == _dense) x = x.Reshape(x.Shape[0], -1);
            x = _features[i].Forward(x);
        }
        Value[] heads = [.. _heads.Select(h => h.Forward(x))];
        return heads[0].Concat(heads.AsSpan(1)).Reshape(-1, Outputs);
    }

    private void Conv(Initializer init, int number, int inputs, int outputs, int size)
    {
        _features.Add(Add(new ConvNormActivation(init, $"{Name}.conv{number}", new Conv2DOptions(inputs, outputs, size), Plain)));
        _features.Add(Add(new PRelu(init, $"{Name}.prelu{number}", outputs)));
    }

    private void Pool(int size, bool ceiling) =>
        _features.Add(Add(new Pooling($"{Name}.pool", new Pool2DOptions(PoolMode.Max, size, 2) { CeilMode = ceiling })));

    // A fully connected layer with PReLU, then heads of the given sizes.
    private void Dense(Initializer init, int number, int inputs, int hidden, params ReadOnlySpan<int> heads)
    {
        _dense = _features.Count;
        _features.Add(Add(new Dense(init, $"{Name}.conv{number}", inputs, hidden)));
        _features.Add(Add(new PRelu(init, $"{Name}.prelu{number}", hidden)));
        for (var i = 0; i < heads.Length; i++) _heads.Add(Add(new Dense(init, $"{Name}.conv{number + 1}-{i + 1}", hidden, heads[i])));
    }
}
