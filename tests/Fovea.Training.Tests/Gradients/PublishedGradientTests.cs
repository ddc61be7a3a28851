using System.Text.Json;

namespace Fovea.Training.Tests.Gradients;

/// <summary>Gradients that others computed with 50 digits; tests skip with one line where the archive is not beside the
/// checkout.</summary>
public sealed class PublishedGradientTests
{
    private static readonly Dictionary<string, Func<Vector, Value[], Value>> Operations = new()
    {
        ["linear_softmax_ce"] = (test, v) => v[0].Linear(v[1], v[2]).CrossEntropy(test.Targets()),
        ["layer_norm"] = (_, v) => v[0].LayerNorm(new LayerNormOptions(), v[1], v[2]),
        ["rms_norm"] = (_, v) => v[0].LayerNorm(new LayerNormOptions { Rms = true, Epsilon = 1e-6f }, v[1]),
        ["act_gelu"] = Activate(Activation.Gelu),
        ["act_gelu_tanh"] = Activate(Activation.GeluTanh),
        ["act_silu"] = Activate(Activation.Silu),
        ["act_softplus"] = Activate(Activation.Softplus),
        ["act_mish"] = Activate(Activation.Mish),
        ["act_sigmoid"] = Activate(Activation.Sigmoid),
        ["act_tanh"] = Activate(Activation.Tanh),
        ["act_elu"] = Activate(Activation.Elu()),
        ["act_leaky_relu"] = Activate(Activation.LeakyRelu(0.01f)),
        ["act_hardswish"] = Activate(Activation.HardSwish),
        ["act_hardsigmoid"] = Activate(Activation.HardSigmoid()),
        ["act_selu"] = Activate(Activation.Selu),
        ["act_softsign"] = Activate(Activation.Softsign),
        // [heads][L][D] is one batch entry per head here.
        ["attention_causal"] = (_, v) => Heads(v[0]).Attention(Heads(v[1]), Heads(v[2]), new AttentionOptions { Causal = true }),
        ["giou_loss"] = (_, v) => v[0].BoxLoss(v[1], new BoxLossOptions { Overlap = Overlap.Giou }),
        ["diou_loss"] = (_, v) => v[0].BoxLoss(v[1], new BoxLossOptions { Overlap = Overlap.Diou }),
        ["sigmoid_focal"] = (test, v) => v[0].FocalLoss(test.Targets(DType.Float32)).Sum(),
        ["logsumexp_rows"] = (_, v) => v[0].Reduce(ReduceOp.LogSumExp, keepDimensions: false, 1),
    };

    // What needs another layout (images, scans, recurrent gates in ONNX's order) or another operation stands in the native tests.
    [Fact]
    public void EqualOurs()
    {
        using var stream = Device.Cpu.CreateStream();
        using var document = JsonDocument.Parse(Checkout.Vectors("gradients.json"));
        var checkedCases = 0;
        foreach (var element in document.RootElement.EnumerateArray())
        {
            if (!Operations.TryGetValue(element.GetProperty("op").GetString()!, out var build)) continue;
            checkedCases++;
            using var test = new Vector(stream, element);
            test.Check(build);
        }
        Assert.Equal(Operations.Count, checkedCases);
    }

    private static Func<Vector, Value[], Value> Activate(Activation activation) => (_, v) => v[0].Activate(activation);

    private static Value Heads(Value x) => x.Reshape(x.Shape[0], x.Shape[1], 1, x.Shape[2]);

    private sealed class Vector(DeviceStream stream, JsonElement element) : IDisposable
    {
        private readonly List<DeviceTensor> _tensors = [];
        private readonly Tape _tape = new();

        public Value Targets(DType dtype = DType.Int32)
        {
            var targets = element.GetProperty("attrs").GetProperty("targets").EnumerateArray().Select(t => t.GetInt32()).ToArray();
            return _tape.Input(Keep(dtype == DType.Int32
                ? DeviceTensor.From<int>(stream, targets, targets.Length)
                : DeviceTensor.From<float>(stream, [.. targets.Select(t => (float)t)], targets.Length)));
        }

        public void Check(Func<Vector, Value[], Value> build)
        {
            var name = element.GetProperty("name").GetString();
            var inputs = element.GetProperty("inputs").EnumerateObject().ToArray();
            // A linear layer's weight is [in][out] there and [out][in] here.
            var transposed = element.GetProperty("op").GetString() == "linear_softmax_ce" ? "w" : "";
            // Targets of losses are constants here.
            var values = inputs.Select(i => _tape.Input(Keep(Tensor(i, i.Name == transposed)), requiresGradient: i.Name != "target")).ToArray();
            var y = build(this, values);
            var dy = Numbers(element.GetProperty("grad_output"));
            var loss = y.Reshape(1, y.Spec.ElementCount).Linear(_tape.Input(Keep(DeviceTensor.From<float>(stream, dy, 1, dy.Length)))).Reshape();
            using var program = _tape.Compile(stream, loss, order: null, y);
            program.Run();

            Compare(Numbers(element.GetProperty("output").GetProperty("values")), program.Read(y).ToArray<float>(stream), $"{name}: result");
            for (var i = 0; i < inputs.Length; i++)
            {
                if (!values[i].RequiresGradient || !element.GetProperty("grads").TryGetProperty(inputs[i].Name, out var expected)) continue;
                var actual = program.Gradient(values[i]).ToArray<float>(stream);
                if (inputs[i].Name == transposed) actual = Transpose(actual, values[i].Shape[0], values[i].Shape[1]);
                Compare(Numbers(expected), actual, $"{name}: gradient of {inputs[i].Name}");
            }
        }

        public void Dispose()
        {
            foreach (var tensor in _tensors) tensor.Dispose();
        }

        private void Compare(float[] expected, float[] actual, string what)
        {
            var tolerance = element.GetProperty("tol");
            var (relative, absolute) = (tolerance.GetProperty("fp32_rtol").GetDouble(), tolerance.GetProperty("fp32_atol").GetDouble());
            Assert.Equal(expected.Length, actual.Length);
            for (var i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - actual[i]) <= absolute + relative * Math.Abs(expected[i]), $"{what}, element {i}: {actual[i]}, not {expected[i]}");
        }

        private DeviceTensor Tensor(JsonProperty input, bool transposed)
        {
            var shape = input.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
            var values = Numbers(input.Value.GetProperty("values"));
            return transposed
                ? DeviceTensor.From<float>(stream, Transpose(values, shape[0], shape[1]), shape[1], shape[0])
                : DeviceTensor.From<float>(stream, values, shape);
        }

        private DeviceTensor Keep(DeviceTensor tensor)
        {
            _tensors.Add(tensor);
            return tensor;
        }

        private static float[] Numbers(JsonElement values) => [.. values.EnumerateArray().Select(v => (float)v.GetDouble())];

        private static float[] Transpose(float[] values, long rows, long columns)
        {
            var result = new float[values.Length];
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j];
            return result;
        }
    }
}
