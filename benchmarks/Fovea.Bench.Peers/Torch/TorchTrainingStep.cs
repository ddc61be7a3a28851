using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;
using TorchSharp;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Fovea.Bench.Peers.Torch;

/// <summary>The network of a <see cref="TrainingStepWorkload"/> with TorchSharp's own gradients, which keep everything.</summary>
internal sealed class TorchTrainingStep
{
    private readonly Tensor _x, _target;
    private readonly Tensor[] _weights; // of block i: 2i and 2i + 1
    private readonly long _width;

    public TorchTrainingStep(TrainingStepWorkload workload)
    {
        long rows = workload.Rows, width = _width = workload.Width;
        _x = tensor(workload.X, [rows, width]);
        _target = tensor(workload.Target, [rows, width]);
        _weights = [.. Enumerable.Range(0, 2 * workload.Layers).Select(i => i % 2 == 0
            ? tensor(workload.Up(i / 2), [2 * width, width], requires_grad: true)
            : tensor(workload.Down(i / 2), [width, 2 * width], requires_grad: true))];
    }

    public Contestant Contestant(string name) => new(name + " autograd", () =>
    {
        using var scope = NewDisposeScope();
        Gradients();
    })
    {
        Read = () =>
        {
            using var scope = NewDisposeScope();
            return Gradients()[0].data<float>().ToArray();
        },
        Owned = [_x, _target, .. _weights],
    };

    private IList<Tensor> Gradients()
    {
        var x = _x;
        for (int i = 0; i < _weights.Length; i += 2)
        {
            var inner = Functional.gelu(Functional.linear(Functional.layer_norm(x, [_width]), _weights[i]));
            x = x.add(Functional.linear(inner, _weights[i + 1]));
        }

        var distance = x.sub(_target);
        return autograd.grad([distance.mul(distance).mean()], _weights);
    }
}
