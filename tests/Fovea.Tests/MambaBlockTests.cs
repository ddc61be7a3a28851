using Fovea.Tests.Cases;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>A Mamba block (Gu and Dao, 2023) from the kernels: RMS norm, input projection, causal convolution, data-dependent step
/// and projections, selective scan with gate, output projection, residual. One graph on the emulated CUDA device gives the CPU's
/// answer, whole sequence and token by token.</summary>
public sealed class MambaBlockTests
{
    private const int Width = 24, Inner = 2 * Width, States = 16, Rank = 3, Kernel = 4, Length = 37;

    // The scan's own bound (see SequenceCases) through a projection of 48 terms with weights below 0.3.
    private const double Tolerance = 2e-4;

    [Fact]
    public void OneGraphGivesTheCpusAnswer()
    {
        using var stream = Emulated.StreamOrSkip();
        using var cpu = Device.Cpu.CreateStream();
        var expected = Run(cpu, Length);
        AssertClose(expected, Emulated.SupportedOrSkip(() => Run(stream, Length)));
    }

    [Fact]
    public void TokenByTokenGivesTheSequence()
    {
        using var stream = Emulated.StreamOrSkip();
        using var cpu = Device.Cpu.CreateStream();
        AssertClose(Run(cpu, Length), Emulated.SupportedOrSkip(() => Run(stream, 1)));
    }

    // Captures the block for `step` tokens and replays it over the sequence.
    private static float[] Run(DeviceStream stream, int step)
    {
        using var block = new Block(stream);
        using var x = DeviceTensor.Allocate(stream, DType.Float32, 1, step, Width);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, 1, step, Width);
        using var capture = stream.BeginCapture();
        block.Record(stream, x, y);
        using var graph = capture.End();
        block.Reset(stream);

        var input = Data.Floats(Length * Width, 11, -1, 1);
        var output = new float[Length * Width];
        for (var t = 0; t < Length; t += step)
        {
            x.CopyFrom<float>(stream, input.AsSpan(t * Width, step * Width));
            graph.Replay(stream);
            y.CopyTo<float>(stream, output.AsSpan(t * Width, step * Width));
        }
        return output;
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= Tolerance, $"element {i}: {actual[i]:R}, on the CPU {expected[i]:R}");
        Assert.True(expected.Max(MathF.Abs) > 0.1f);
    }

    private sealed class Block : IDisposable
    {
        private static readonly LinearOptions InLayer = new() { InFeatures = Width, OutFeatures = 2 * Inner };
        private static readonly LinearOptions ParameterLayer = new() { InFeatures = Inner, OutFeatures = Rank + 2 * States };
        private static readonly LinearOptions StepLayer = new() { InFeatures = Rank, OutFeatures = Inner };
        private static readonly LinearOptions OutLayer = new() { InFeatures = Inner, OutFeatures = Width };

        private readonly List<DeviceTensor> _owned = [];
        private readonly DeviceTensor _gamma, _in, _filter, _filterBias, _parameters, _step, _stepBias, _a, _skip, _out, _window, _state;

        public Block(DeviceStream stream)
        {
            _gamma = Own(Values(stream, 1, 0.5f, 1.5f, Width));
            _in = Own(Weights(stream, InLayer, 2));
            _filter = Own(Values(stream, 3, -0.5f, 0.5f, Inner, Kernel));
            _filterBias = Own(Values(stream, 4, -0.1f, 0.1f, Inner));
            _parameters = Own(Weights(stream, ParameterLayer, 5));
            _step = Own(Weights(stream, StepLayer, 6));
            _stepBias = Own(Values(stream, 7, -4, -1, Inner));
            _a = Own(Values(stream, 8, -16, -1, Inner, States));
            _skip = Own(Values(stream, 9, 0.5f, 1.5f, Inner));
            _out = Own(Weights(stream, OutLayer, 10));
            _window = Own(DeviceTensor.Allocate(stream, DType.Float32, 1, Kernel - 1, Inner));
            _state = Own(DeviceTensor.Allocate(stream, DType.Float32, 1, Inner, States));
        }

        public void Reset(DeviceStream stream)
        {
            _window.Fill(stream, 0);
            _state.Fill(stream, 0);
        }

        public void Record(DeviceStream stream, DeviceTensor x, DeviceTensor y)
        {
            var length = x.Shape[1];
            using var norm = Empty(stream, length, Width);
            Kernels.LayerNorm(stream, new LayerNormOptions { Rms = true, Epsilon = 1e-5f }, x, null, _gamma, null, null, norm);
            using var both = Empty(stream, length, 2 * Inner);
            Kernels.Linear(stream, InLayer, norm, _in, null, null, both);
            using var u = Empty(stream, length, Inner);
            Kernels.CausalConv1D(stream, Activation.Silu, both.Columns(0, Inner), _filter, _filterBias, _window, u);
            using var parameters = Empty(stream, length, Rank + 2 * States);
            Kernels.Linear(stream, ParameterLayer, u, _parameters, null, null, parameters);
            using var delta = Empty(stream, length, Inner);
            Kernels.Linear(stream, StepLayer, parameters.Columns(0, Rank), _step, null, null, delta);
            using var mixed = Empty(stream, length, Inner);
            Kernels.SelectiveScan(stream, new SelectiveScanOptions { DeltaSoftplus = true }, u, delta, _a, parameters.Columns(Rank, States),
                parameters.Columns(Rank + States, States), _skip, both.Columns(Inner, Inner), _stepBias, _state, mixed);
            Kernels.Linear(stream, OutLayer, mixed, _out, null, null, y);
            Kernels.Binary(stream, BinaryOp.Add, x, y, y);
        }

        public void Dispose()
        {
            foreach (var tensor in _owned) tensor.Dispose();
        }

        private static DeviceTensor Empty(DeviceStream stream, long length, long columns) =>
            DeviceTensor.Allocate(stream, DType.Float32, 1, length, columns);

        private static DeviceTensor Values(DeviceStream stream, uint seed, float low, float high, params ReadOnlySpan<long> shape)
        {
            long count = 1;
            foreach (var size in shape) count *= size;
            return DeviceTensor.From<float>(stream, Data.Floats(count, seed, low, high), shape);
        }

        private static DeviceTensor Weights(DeviceStream stream, LinearOptions layer, uint seed)
        {
            using var weights = Values(stream, seed, -0.3f, 0.3f, layer.OutFeatures, layer.InFeatures);
            var prepared = Kernels.PrepareLinear(stream, layer, weights);
            stream.Synchronize();
            return prepared;
        }

        private DeviceTensor Own(DeviceTensor tensor)
        {
            _owned.Add(tensor);
            return tensor;
        }
    }
}
