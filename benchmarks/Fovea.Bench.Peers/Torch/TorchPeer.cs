using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;
using Fovea.Bench.Workloads.Network;
using TorchSharp;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Fovea.Bench.Peers.Torch;

/// <summary>TorchSharp in inference mode, the result of every call disposed.</summary>
internal sealed class TorchPeer : IPeer
{
    private TorchPeer(int threads)
    {
        set_num_threads(threads);
        Name = "Torch " + __version__;
    }

    public string Name { get; }

    /// <summary>Null, with a note, where its libraries do not load.</summary>
    public static TorchPeer? TryOpen(int threads, Action<string> note)
    {
        try
        {
            string folder = Path.Combine(Path.GetDirectoryName(typeof(TorchPeer).Assembly.Location)!, "runtimes", "linux-x64", "native");
            TorchLibrary.Prepare(folder);
            return new TorchPeer(threads);
        }
#pragma warning disable CA1031 // An optional peer: whatever keeps it from loading becomes a note.
        catch (Exception e)
#pragma warning restore CA1031
        {
            note($"TorchSharp does not load: {(e.InnerException ?? e).Message.Split('\n')[0]}");
            return null;
        }
    }

    public IEnumerable<Contestant> Create(Workload workload, int threads)
    {
        set_num_threads(threads);
        return workload switch
        {
            ConvWorkload conv => Conv(conv),
            AttentionWorkload attention => Attention(attention),
            GemmWorkload gemm => Gemm(gemm),
            ScanWorkload scan => [Scan(scan)],
            TrainingStepWorkload training => [new TorchTrainingStep(training).Contestant(Name)],
            NetworkWorkload network => ((bool[])[false, true]).Select(last => Network(network, last)),
            RowWorkload { Operation: not RowOperation.GeluTanh } rows => [Rows(rows)],
            _ => [],
        };
    }

    private IEnumerable<Contestant> Conv(ConvWorkload w)
    {
        var s = w.Shape;
        foreach (bool channelsLast in (bool[])[false, true])
        {
            Tensor Form(float[] data, params long[] shape) => TorchNetwork.Form(channelsLast, data, shape);
            Tensor x = Form(w.X, s.Batch, s.Height, s.Width, s.InChannels), weights = Form(w.Weights, s.OutChannels, s.Kernel, s.Kernel, s.InChannels / s.Groups);
            Tensor bias = tensor(w.Bias);
            Tensor Call()
            {
                var y = Functional.conv2d(x, weights, bias, [s.Stride, s.Stride], [s.Padding, s.Padding], [s.Dilation, s.Dilation], s.Groups);
                return y.relu_();
            }

            yield return Contestant(channelsLast ? " NHWC" : " NCHW", Call, y => y.permute(0, 2, 3, 1), x, weights, bias);
        }
    }

    private IEnumerable<Contestant> Attention(AttentionWorkload w)
    {
        Tensor Heads(float[] data, int positions)
        {
            using var together = tensor(data, [1L, positions, w.Heads, w.Size]);
            return together.transpose(1, 2).contiguous();
        }

        Tensor q = Heads(w.Q, w.Queries), k = Heads(w.K, w.Keys), v = Heads(w.V, w.Keys);
        yield return Contestant(" SDPA", () => Functional.scaled_dot_product_attention(q, k, v, null, 0, w.Causal), o => o.transpose(1, 2), q, k, v);
    }

    private IEnumerable<Contestant> Gemm(GemmWorkload w)
    {
        Tensor x = tensor(w.X, [(long)w.M, w.K]), weights = tensor(w.Weights, [(long)w.N, w.K]);
        string label = w.Format == WeightFormat.Float32 ? "" : " f32";
        yield return Contestant(label, () => Functional.linear(x, weights), null, x, weights);
        if (w.Format != WeightFormat.BFloat16) yield break;
        Tensor narrowX = x.to(ScalarType.BFloat16), narrow = weights.to(ScalarType.BFloat16);
        yield return Contestant(" bf16", () => Functional.linear(narrowX, narrow), y => y.to(ScalarType.Float32), narrowX, narrow);
    }

    // There is no such operator: exponentials at once, then a loop of operators in place over time.
    private Contestant Scan(ScanWorkload w)
    {
        Tensor u = tensor(w.U, [(long)w.Length, w.Channels]), delta = tensor(w.Delta, [(long)w.Length, w.Channels]), a = tensor(w.A, [(long)w.Channels, w.States]);
        Tensor b = tensor(w.B, [(long)w.Length, w.States]), c = tensor(w.C, [(long)w.Length, w.States]);
        return Contestant(" loop", () =>
        {
            using var scope = NewDisposeScope();
            Tensor decay = (delta.unsqueeze(-1) * a).exp_(), input = (delta * u).unsqueeze(-1) * b.unsqueeze(1);
            Tensor h = zeros(w.Channels, w.States), y = empty(w.Length, w.Channels);
            for (int t = 0; t < w.Length; t++)
            {
                using var step = NewDisposeScope();
                h.mul_(decay[t]).add_(input[t]);
                y[t] = h.matmul(c[t]);
            }

            return y.MoveToOuterDisposeScope();
        }, null, u, delta, a, b, c);
    }

    private Contestant Network(NetworkWorkload w, bool channelsLast)
    {
        var network = new TorchNetwork(w, channelsLast);
        var call = Contestant(channelsLast ? " NHWC" : " NCHW", network.Run, y => y.permute(0, 2, 3, 1));
        return new Contestant(call.Name, call.Call) { Read = call.Read, Owned = [network] };
    }

    private Contestant Rows(RowWorkload w)
    {
        Tensor x = tensor(w.X, [(long)w.Rows, w.Columns]), gamma = tensor(w.Gamma), beta = tensor(w.Beta);
        return Contestant("", w.Operation switch
        {
            RowOperation.LayerNorm => () => Functional.layer_norm(x, [w.Columns], gamma, beta, RowWorkload.Epsilon),
            RowOperation.Softmax => () => Functional.softmax(x, -1),
            _ => () => Functional.gelu(x),
        }, null, x, gamma, beta);
    }

    private Contestant Contestant(string label, Func<Tensor> call, Func<Tensor, Tensor>? toWorkload, params Tensor[] owned)
    {
        Tensor Run()
        {
            using var mode = inference_mode();
            return call();
        }

        float[] Read()
        {
            using var scope = NewDisposeScope();
            var y = Run();
            return (toWorkload?.Invoke(y) ?? y).contiguous().data<float>().ToArray();
        }

        return new Contestant(Name + label, () => Run().Dispose()) { Read = Read, Owned = owned };
    }
}
