namespace Fovea.Training;

/// <summary>Random bits as a function of a counter and a key: Philox4x32 with ten rounds (Salmon, Moraes, Dror, Shaw, "Parallel Random
/// Numbers: As Easy as 1, 2, 3", 2011).</summary>
internal static class Philox
{
    private const int Rounds = 10;

    /// <summary>Four words for the counter (low, high) under the key.</summary>
    public static (uint A, uint B, uint C, uint D) Block(ulong low, ulong high, ulong key)
    {
        var (a, b, c, d) = ((uint)low, (uint)(low >> 32), (uint)high, (uint)(high >> 32));
        var (left, right) = ((uint)key, (uint)(key >> 32));
        for (var i = 0; i < Rounds; i++)
        {
            var p = 0xD2511F53UL * a;
            var q = 0xCD9E8D57UL * c;
            (a, b, c, d) = ((uint)(q >> 32) ^ b ^ left, (uint)q, (uint)(p >> 32) ^ d ^ right, (uint)p);
            left += 0x9E3779B9;
            right += 0xBB67AE85;
        }
        return (a, b, c, d);
    }
}
