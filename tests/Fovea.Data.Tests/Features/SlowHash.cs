using System.Globalization;
using System.Numerics;
using System.Text;

namespace Fovea.Data.Tests;

/// <summary>Fingerprint64, FingerprintCat64 and the rules around them once more: whole numbers without bounds, cut to 64 bits
/// after every step, bytes read one by one. Shares nothing with the product.</summary>
internal static class SlowHash
{
    private static readonly BigInteger Word = BigInteger.One << 64;
    private static readonly BigInteger K0 = Hex("c3a5c85c97cb3127"), K1 = Hex("b492b66fbe98f273"), K2 = Hex("9ae16a3b2f90404f");

    public static BigInteger Fingerprint(byte[] s)
    {
        var n = s.Length;
        if (n > 64) return Long(s);
        var m = K2 + 2 * n;
        switch (n)
        {
            case 0:
                return K2;
            case <= 3:
                return Fold((s[0] + 256 * s[n / 2]) * K2 ^ (n + 4 * s[n - 1]) * K0, K2);
            case <= 7:
                return Join(n + 8 * Load(s, 0, 4), Load(s, n - 4, 4), m);
            case <= 16:
                {
                    BigInteger a = Cut(Load(s, 0) + K2), b = Load(s, n - 8);
                    return Join(Turn(b, 37) * m + a, (Turn(a, 25) + b) * m, m);
                }
            case <= 32:
                return Middle(s, K1, m).Hash;
            default:
                {
                    var (a, y, z) = Middle(s, K2, m);
                    BigInteger e = Cut(Load(s, 16) * m), f = Load(s, 24);
                    BigInteger g = Cut((y + Load(s, n - 32)) * m), h = Cut((z + Load(s, n - 24)) * m);
                    return Join(Turn(e + f, 43) + Turn(g, 30) + h, e + Turn(f + a, 18) + g, m);
                }
        }
    }

    public static BigInteger Concatenate(BigInteger a, BigInteger b)
    {
        var k = Hex("c6a4a7935bd1e995");
        return Mix(Fold(Cut((a ^ k ^ Fold(b * k, k)) * k), k));
    }

    /// <summary>Bucket of a text, or of an integer's decimal text.</summary>
    public static long Bucket(object value, long buckets) =>
        (long)(Fingerprint(Encoding.UTF8.GetBytes(Convert.ToString(value, CultureInfo.InvariantCulture)!)) % buckets);

    /// <summary>Ids of the cross of one row by counting in a mixed base; values are texts or integers.</summary>
    public static long[] Cross(object[][] columns, long buckets, BigInteger key)
    {
        var count = columns.Aggregate(1, (product, column) => product * column.Length);
        var ids = new long[count];
        for (var number = 0; number < count; number++)
        {
            var (hash, rest, combinations) = (key, number, count);
            foreach (var column in columns)
            {
                combinations /= column.Length;
                var value = column[rest / combinations];
                rest %= combinations;
                hash = Concatenate(hash, value is string text ? Fingerprint(Encoding.UTF8.GetBytes(text)) : Cut(new BigInteger((long)value)));
            }
            ids[number] = (long)(hash % (buckets == 0 ? long.MaxValue : buckets));
        }
        return ids;
    }

    private static (BigInteger A, BigInteger Y, BigInteger Hash) Middle(byte[] s, BigInteger k, BigInteger m)
    {
        var n = s.Length;
        BigInteger a = Cut(Load(s, 0) * k), b = Load(s, 8), c = Cut(Load(s, n - 8) * m), d = Load(s, n - 16) * K2;
        var y = Cut(Turn(a + b, 43) + Turn(c, 30) + d);
        return (a, y, Join(y, a + Turn(b + K2, 18) + c, m));
    }

    private static BigInteger Long(byte[] s)
    {
        BigInteger x = 81 * K2 + Load(s, 0), y = Cut(81 * K1 + 113);
        var z = Fold(Cut(y * K2 + 113), K2);
        BigInteger[] v = [0, 0], w = [0, 0];
        var last = (s.Length - 1) / 64 * 64;
        for (var at = 0; at < last; at += 64) Step(at, K1, 1);
        var m = K1 + 2 * (z % 256);
        w[0] += (s.Length - 1) % 64;
        v[0] += w[0];
        w[0] += v[0];
        Step(s.Length - 64, m, 9);
        return Join(Join(v[0], w[0], m) + Mix(y) * K0 + z, Join(v[1], w[1], m) + x, m);

        void Step(int at, BigInteger factor, int times)
        {
            x = Cut(Turn(x + y + v[0] + Load(s, at + 8), 37) * factor);
            y = Cut(Turn(y + v[1] + Load(s, at + 48), 42) * factor);
            x ^= Cut(w[1] * times);
            y = Cut(y + v[0] * times + Load(s, at + 40));
            z = Cut(Turn(z + w[0], 33) * factor);
            v = Weak(at, v[1] * factor, x + w[0]);
            w = Weak(at + 32, z + w[1], y + Load(s, at + 16));
            (x, z) = (z, x);
        }

        BigInteger[] Weak(int at, BigInteger a, BigInteger b)
        {
            a += Load(s, at);
            b = Turn(b + a + Load(s, at + 24), 21);
            var sum = a + Load(s, at + 8) + Load(s, at + 16);
            return [Cut(sum + Load(s, at + 24)), Cut(b + Turn(sum, 44) + a)];
        }
    }

    private static BigInteger Join(BigInteger u, BigInteger v, BigInteger m) => Fold((Cut(v) ^ Mix((Cut(u) ^ Cut(v)) * m)) * m, m);

    private static BigInteger Fold(BigInteger value, BigInteger m) => Cut(Mix(value) * m);

    private static BigInteger Mix(BigInteger value) => Cut(value) ^ (Cut(value) >> 47);

    private static BigInteger Turn(BigInteger value, int right) => (Cut(value) >> right) + Cut(value << (64 - right));

    private static BigInteger Cut(BigInteger value) => value % Word is var rest && rest.Sign < 0 ? rest + Word : rest;

    private static BigInteger Load(byte[] s, int at, int count = 8)
    {
        BigInteger value = 0;
        for (var i = count - 1; i >= 0; i--) value = value * 256 + s[at + i];
        return value;
    }

    private static BigInteger Hex(string digits) => BigInteger.Parse("0" + digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
