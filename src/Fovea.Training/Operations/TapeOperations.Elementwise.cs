namespace Fovea.Training;

public static partial class TapeOperations
{
    /// <summary>y = activation(x).</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="activation">The function.</param>
    /// <param name="slope">[C] for PReLU, else absent.</param>
    public static Value Activate(this Value x, Activation activation, Value slope = default) =>
        slope.IsPresent ? x.Tape.Record(new ActivateOperation(activation), x, slope) : x.Tape.Record(new ActivateOperation(activation), x);

    /// <summary>a + b with NumPy broadcasting.</summary>
    public static Value Add(this Value a, Value b) => Binary(BinaryOp.Add, a, b);

    /// <summary>a - b with NumPy broadcasting.</summary>
    public static Value Subtract(this Value a, Value b) => Binary(BinaryOp.Sub, a, b);

    /// <summary>a * b with NumPy broadcasting.</summary>
    public static Value Multiply(this Value a, Value b) => Binary(BinaryOp.Mul, a, b);

    /// <summary>a / b with NumPy broadcasting.</summary>
    public static Value Divide(this Value a, Value b) => Binary(BinaryOp.Div, a, b);

    /// <summary>Any operation of two operands.</summary>
    public static Value Binary(BinaryOp op, Value a, Value b) => a.Tape.Record(new BinaryOperation(op), a, b);

    /// <summary>Any function of one operand by element.</summary>
    public static Value Unary(this Value x, UnaryOp op) => x.Tape.Record(new UnaryOperation(op), x);

    /// <summary>alpha*x + beta.</summary>
    public static Value Affine(this Value x, float alpha, float beta = 0) => x.Tape.Record(new UnaryOperation(UnaryOp.Affine, alpha, beta), x);

    /// <summary>The same numbers in another type. No gradient flows through integers; floats are truncated to them.</summary>
    public static Value Cast(this Value x, DType dtype)
    {
        if (x.Spec.DType == dtype) return x;
        if (CastOperation.IsFloat(dtype)) return x.Tape.Record(new CastOperation(dtype), x);
        using (x.Tape.NoGradient()) return x.Tape.Record(new CastOperation(dtype), x);
    }

    /// <summary>Reduces dimensions; all where none is named.</summary>
    public static Value Reduce(this Value x, ReduceOp op, bool keepDimensions = false, params ReadOnlySpan<int> axes)
    {
        var options = ReduceOptions.Over(op, axes);
        if (axes.IsEmpty) options = options with { Axes = (1u << x.Spec.Rank) - 1 };
        return x.Tape.Record(new ReduceOperation(options, keepDimensions), x);
    }

    /// <summary>The sum of all elements, a scalar.</summary>
    public static Value Sum(this Value x) => x.Reduce(ReduceOp.Sum);

    /// <summary>The mean of all elements, a scalar.</summary>
    public static Value Mean(this Value x) => x.Reduce(ReduceOp.Mean);
}
