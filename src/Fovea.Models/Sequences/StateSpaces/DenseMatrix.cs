namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Small dense matrices in double, for what is computed once on the host.</summary>
internal static class DenseMatrix
{
    public static double[,] Identity(int n)
    {
        var identity = new double[n, n];
        for (var i = 0; i < n; i++) identity[i, i] = 1;
        return identity;
    }

    /// <summary>scale * a + b.</summary>
    public static double[,] Add(double scale, double[,] a, double[,] b)
    {
        var sum = (double[,])b.Clone();
        for (var i = 0; i < a.GetLength(0); i++)
            for (var j = 0; j < a.GetLength(1); j++) sum[i, j] += scale * a[i, j];
        return sum;
    }

    public static double[,] Multiply(double[,] a, double[,] b)
    {
        int n = a.GetLength(0), inner = a.GetLength(1), m = b.GetLength(1);
        var product = new double[n, m];
        for (var i = 0; i < n; i++)
            for (var k = 0; k < inner; k++)
                for (var j = 0; j < m; j++) product[i, j] += a[i, k] * b[k, j];
        return product;
    }

    /// <summary>x with a x = b, by elimination with partial pivoting.</summary>
    public static double[,] Solve(double[,] a, double[,] b)
    {
        int n = a.GetLength(0), m = b.GetLength(1);
        var (left, x) = ((double[,])a.Clone(), (double[,])b.Clone());
        for (var k = 0; k < n; k++)
        {
            var pivot = k;
            for (var i = k + 1; i < n; i++)
                if (Math.Abs(left[i, k]) > Math.Abs(left[pivot, k])) pivot = i;
            if (pivot != k) Swap(k, pivot);
            for (var i = k + 1; i < n; i++) Eliminate(i, k, left[i, k] / left[k, k]);
        }
        for (var k = n - 1; k >= 0; k--)
        {
            for (var j = 0; j < m; j++) x[k, j] /= left[k, k];
            for (var i = 0; i < k; i++)
                for (var j = 0; j < m; j++) x[i, j] -= left[i, k] * x[k, j];
        }
        return x;

        void Swap(int p, int q)
        {
            for (var j = 0; j < n; j++) (left[p, j], left[q, j]) = (left[q, j], left[p, j]);
            for (var j = 0; j < m; j++) (x[p, j], x[q, j]) = (x[q, j], x[p, j]);
        }

        void Eliminate(int row, int by, double factor)
        {
            for (var j = by; j < n; j++) left[row, j] -= factor * left[by, j];
            for (var j = 0; j < m; j++) x[row, j] -= factor * x[by, j];
        }
    }

    /// <summary>e^a: halved until its norm is below 1/2, a Taylor series of 16 terms (an error below 2^-64), squared as often.</summary>
    public static double[,] Exponential(double[,] a)
    {
        var n = a.GetLength(0);
        double norm = 0;
        for (var i = 0; i < n; i++)
        {
            double row = 0;
            for (var j = 0; j < n; j++) row += Math.Abs(a[i, j]);
            norm = Math.Max(norm, row);
        }
        var halvings = norm > 0.5 ? (int)Math.Ceiling(Math.Log2(2 * norm)) : 0;
        var scaled = Add(Math.ScaleB(1, -halvings), a, new double[n, n]);
        var (sum, term) = (Identity(n), Identity(n));
        for (var k = 1; k <= 16; k++)
        {
            term = Add(1.0 / k, Multiply(term, scaled), new double[n, n]);
            sum = Add(1, term, sum);
        }
        for (var i = 0; i < halvings; i++) sum = Multiply(sum, sum);
        return sum;
    }
}
