namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>x' = A x + B u with one input, in double on the host.</summary>
/// <param name="A"><c>[N, N]</c>.</param>
/// <param name="B"><c>[N]</c>.</param>
public sealed record LinearSystem(double[,] A, double[] B)
{
    /// <summary>States.</summary>
    public int Size => B.Length;

    /// <summary>The step of length <paramref name="dt"/>, as a system whose A and B are those of the step.</summary>
    public LinearSystem Discretize(double dt, Discretization rule)
    {
        var n = Size;
        var identity = DenseMatrix.Identity(n);
        var b = new double[n, 1];
        for (var i = 0; i < n; i++) b[i, 0] = dt * B[i];
        switch (rule)
        {
            case Discretization.Forward:
                return new(DenseMatrix.Add(dt, A, identity), Column(b));
            case Discretization.Backward:
                var left = DenseMatrix.Add(-dt, A, identity);
                return new(DenseMatrix.Solve(left, identity), Column(DenseMatrix.Solve(left, b)));
            case Discretization.Bilinear:
                left = DenseMatrix.Add(-dt / 2, A, identity);
                return new(DenseMatrix.Solve(left, DenseMatrix.Add(dt / 2, A, identity)), Column(DenseMatrix.Solve(left, b)));
            case Discretization.Exact:
                // e^(dt (A B; 0 0)) holds both, and needs no inverse of A.
                var both = new double[n + 1, n + 1];
                for (var i = 0; i < n; i++)
                {
                    for (var j = 0; j < n; j++) both[i, j] = dt * A[i, j];
                    both[i, n] = b[i, 0];
                }
                var exponential = DenseMatrix.Exponential(both);
                for (var i = 0; i < n; i++)
                {
                    for (var j = 0; j < n; j++) identity[i, j] = exponential[i, j];
                    b[i, 0] = exponential[i, n];
                }
                return new(identity, Column(b));
            default:
                throw new ArgumentOutOfRangeException(nameof(rule), rule, "unknown discretization");
        }
    }

    /// <summary>A x + B u: what a discretized system does in a step.</summary>
    public double[] Step(ReadOnlySpan<double> x, double u)
    {
        if (x.Length != Size) throw new ArgumentException($"the system has {Size} states, x has {x.Length}", nameof(x));
        var next = new double[Size];
        for (var i = 0; i < Size; i++)
        {
            next[i] = B[i] * u;
            for (var j = 0; j < Size; j++) next[i] += A[i, j] * x[j];
        }
        return next;
    }

    private static double[] Column(double[,] b)
    {
        var column = new double[b.GetLength(0)];
        for (var i = 0; i < column.Length; i++) column[i] = b[i, 0];
        return column;
    }
}
