using Fovea.Training;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>A complex number per element, as two recorded values. Small vectors of parameters only: each product is a handful of
/// elementwise kernels.</summary>
internal readonly record struct ComplexValue(Value Re, Value Im)
{
    public static ComplexValue operator *(ComplexValue a, ComplexValue b) =>
        new(a.Re.Multiply(b.Re).Subtract(a.Im.Multiply(b.Im)), a.Re.Multiply(b.Im).Add(a.Im.Multiply(b.Re)));

    public static ComplexValue operator /(ComplexValue a, ComplexValue b)
    {
        var size = b.Re.Multiply(b.Re).Add(b.Im.Multiply(b.Im));
        var product = a * new ComplexValue(b.Re, b.Im.Affine(-1));
        return new(product.Re.Divide(size), product.Im.Divide(size));
    }

    /// <summary>alpha z + beta, both real.</summary>
    public ComplexValue Affine(float alpha, float beta) => new(Re.Affine(alpha, beta), Im.Affine(alpha));

    /// <summary>factor * z, the factor real.</summary>
    public ComplexValue Times(Value factor) => new(Re.Multiply(factor), Im.Multiply(factor));

    public ComplexValue Exp()
    {
        var size = Re.Unary(UnaryOp.Exp);
        return new(size.Multiply(Im.Unary(UnaryOp.Cos)), size.Multiply(Im.Unary(UnaryOp.Sin)));
    }

    /// <summary>e^z - 1 without cancellation near 0: (e^x - 1) cos y - 2 sin^2(y/2) + i e^x sin y, and e^x - 1 = 2t / (1 - t) with
    /// t = tanh(x/2).</summary>
    public ComplexValue ExpMinusOne()
    {
        var t = Re.Affine(0.5f).Activate(Activation.Tanh);
        var minusOne = t.Affine(2).Divide(t.Affine(-1, 1));
        var sine = Im.Affine(0.5f).Unary(UnaryOp.Sin);
        return new(minusOne.Multiply(Im.Unary(UnaryOp.Cos)).Subtract(sine.Multiply(sine).Affine(2)),
            minusOne.Affine(1, 1).Multiply(Im.Unary(UnaryOp.Sin)));
    }

    /// <summary><c>[..]</c> to <c>[.., 2]</c>: re, im, as kernels take complex numbers.</summary>
    public Value Pairs()
    {
        Span<long> shape = [.. Re.Shape, 1];
        return Re.Reshape(shape).Concat(Im.Reshape(shape));
    }
}
