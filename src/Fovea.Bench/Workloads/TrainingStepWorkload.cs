using Fovea.Bench.Measure;
using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Bench.Workloads;

/// <summary>Loss and gradients of residual blocks x + W2 gelu(W1 norm(x)) over x [rows][width], W1 twice as wide; the loss is the mean
/// squared distance to a target. Either everything is kept for the way back, or what a byte budget allows.</summary>
/// <param name="layers">Blocks.</param>
/// <param name="rows">Rows of x.</param>
/// <param name="width">Columns of x.</param>
/// <param name="budget">Bytes of Fovea's pool, parameters included; 0: no plan.</param>
public sealed class TrainingStepWorkload(int layers, int rows, int width, long budget = 0)
    : Workload("training", $"{layers} blocks {rows}x{width}{(budget == 0 ? "" : $" in {budget >> 20} MiB")}")
{
    public int Layers => layers;

    public int Rows => rows;

    public int Width => width;

    // Forward, and twice as much backward, of two products per block.
    public override double Flops => 3 * 2.0 * layers * rows * width * (4.0 * width);

    public override double BytesRead => 4.0 * layers * (4.0 * width * width);

    public override double BytesWritten => 4.0 * layers * (4.0 * width * width);

    public float[] X => RandomData.Uniform(1, (long)rows * width);

    public float[] Target => RandomData.Uniform(2, (long)rows * width);

    /// <summary>W1 [2*width][width] of a block.</summary>
    public float[] Up(int layer) => Weights(2 * layer, width);

    /// <summary>W2 [width][2*width] of a block.</summary>
    public float[] Down(int layer) => Weights(2 * layer + 1, 2 * width);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var tape = new Tape();
        var owned = new List<IDisposable>();
        Value Use(float[] values, params ReadOnlySpan<long> shape)
        {
            var parameter = new Parameter($"w{owned.Count}", DeviceTensor.From<float>(stream, values, shape));
            owned.Add(parameter);
            return tape.Use(parameter);
        }

        Value Input(float[] values)
        {
            var tensor = DeviceTensor.From<float>(stream, values, rows, width);
            owned.Add(tensor);
            return tape.Input(tensor);
        }

        var x = Input(X);
        for (int i = 0; i < layers; i++)
        {
            var inner = x.LayerNorm(new LayerNormOptions()).Linear(Use(Up(i), 2 * width, width)).Activate(Activation.Gelu);
            x = x.Add(inner.Linear(Use(Down(i), width, 2 * width)));
        }

        var distance = x.Subtract(Input(Target));
        var loss = distance.Multiply(distance).Mean();
        var program = tape.Compile(stream, loss, budget == 0 ? null : StepPlan.WithinBudget(stream, tape, loss, budget).Order);
        owned.Add(program);
        var first = tape.Parameters.First();
        return new Contestant(FoveaContestant.Name, () =>
        {
            foreach (var parameter in tape.Parameters) parameter.ClearGradient(); // the run writes them and adds to none
            program.Run();
        })
        {
            Read = () => first.Gradient.ToArray<float>(stream),
            Owned = owned,
        };
    }

    private float[] Weights(int index, int inputs)
    {
        float bound = 1 / MathF.Sqrt(inputs);
        return RandomData.Uniform(3 + index, 2L * width * width, -bound, bound);
    }
}
