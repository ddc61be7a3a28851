namespace Fovea.Training.Tests.Gradients;

/// <summary>One operation with one set of shapes. From it come: gradients against finite differences on every backend, and equal bits
/// from run to run and under recomputation.</summary>
/// <param name="Name">Operation and shapes.</param>
/// <param name="Inputs">Shapes of the f32 inputs that get gradients.</param>
/// <param name="Build">Records the operation.</param>
public sealed record GradientCase(string Name, long[][] Inputs, Func<Tape, Value[], Value> Build)
{
    /// <summary>Numbers lie in [Low, High): away from kinks where there are some.</summary>
    public float Low { get; init; } = -0.5f;

    public float High { get; init; } = 0.5f;

    /// <summary>Least distance between two numbers of one input: wider than the steps of the difference quotient, so that no maximum
    /// changes its place.</summary>
    public float Gap { get; init; }

    /// <summary>i32 inputs behind the others.</summary>
    public int[][] Indices { get; init; } = [];

    /// <summary>f32 inputs [n] without a gradient, behind those.</summary>
    public float[][] Constants { get; init; } = [];

    public override string ToString() => Name;

    public float[][] Values()
    {
        var random = new Random(Name.Length * 7919 + Inputs.Length);
        return [.. Inputs.Select(shape => Numbers(random, (int)shape.Aggregate(1L, (p, q) => p * q)))];
    }

    private float[] Numbers(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = Gap > 0 ? Low + Gap * i : Low + (High - Low) * random.NextSingle();
        if (Gap > 0) random.Shuffle(values);
        return values;
    }
}
