namespace Fovea.Training;

/// <summary>What can be recorded, by name. Shapes as in <see cref="Kernels"/>; every method throws
/// <see cref="ArgumentException"/> where the shapes do not fit.</summary>
public static partial class TapeOperations
{
    /// <summary>The same elements in another shape; one dimension may be -1.</summary>
    public static Value Reshape(this Value x, params ReadOnlySpan<long> shape)
    {
        var resolved = shape.ToArray();
        if (Array.IndexOf(resolved, -1L) is >= 0 and var wild)
        {
            var known = 1L;
            foreach (var size in shape) known *= size == -1 ? 1 : size;
            resolved[wild] = known == 0 ? 0 : x.Spec.ElementCount / known;
        }
        return x.Tape.Record(new ReshapeOperation(x.Spec.With(resolved)), x);
    }

    /// <summary>y = x weight^T + bias: x [..][in], weight [out][in], bias [out] or absent.</summary>
    public static Value Linear(this Value x, Value weight, Value bias = default) => x.Tape.Record(new LinearOperation(), x, weight, bias);

    /// <summary>y = alpha * op(a) op(b).</summary>
    public static Value MatMul(this Value a, Value b, MatMulOptions? options = null) =>
        a.Tape.Record(new MatMulOperation(options ?? new MatMulOptions()), a, b);
}
