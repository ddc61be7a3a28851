namespace Fovea.Training.Tests;

public sealed class InitializerTests
{
    // Known answers of Random123's kat_vectors.
    [Fact]
    public void PhiloxHasItsPublishedBits()
    {
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), Philox.Block(0, 0, 0));
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), Philox.Block(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue));
        Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), Philox.Block(0x85a308d3243f6a88, 0x0370734413198a2e, 0x299f31d0a4093822));
    }

    [Fact]
    public void NumbersDependOnSeedTensorAndIndexAlone()
    {
        using var stream = Device.Cpu.CreateStream();
        var (first, second) = (Draw(1), Draw(1));
        Assert.Equal(first, second);
        Assert.NotEqual(first[0], first[1]);
        Assert.NotEqual(first[0], Draw(2)[0]);
        Assert.Equal(first[0][..7], Values(new Initializer(stream, 1).Normal(1, 7))); // a shorter tensor begins alike

        float[][] Draw(long seed)
        {
            var init = new Initializer(stream, seed);
            return [Values(init.Normal(1, 3, 5)), Values(init.Normal(1, 3, 5))];
        }

        float[] Values(DeviceTensor tensor)
        {
            using (tensor) return tensor.ToArray<float>(stream);
        }
    }

    // 70,000 numbers, more than one chunk: the mean has a deviation of 0.0038 deviations, the mean square (kurtosis 3) one of 0.0053;
    // five of each are allowed.
    [Fact]
    public void MomentsAreThoseOfThePapers()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 3);
        Check(init.Normal(2, 70_000), 2);
        Check(init.HeNormal(fanOut: true, 100, 7, 1, 100), Math.Sqrt(2.0 / 700));
        Check(init.HeNormal(fanOut: false, 100, 7, 1, 100), Math.Sqrt(2.0 / 700));
        Check(init.HeNormal(fanOut: false, 1000, 1, 1, 70), Math.Sqrt(2.0 / 70));
        // Even numbers below b have the deviation b / sqrt 3.
        Check(init.LecunUniform(1000, 70), 1 / Math.Sqrt(70), bound: Math.Sqrt(3.0 / 70));
        Check(init.XavierUniform(1000, 70), Math.Sqrt(2.0 / 1070), bound: Math.Sqrt(6.0 / 1070));

        void Check(DeviceTensor tensor, double deviation, double bound = double.PositiveInfinity)
        {
            using (tensor)
            {
                var values = tensor.ToArray<float>(stream);
                Assert.InRange(values.Average(v => (double)v) / deviation, -0.019, 0.019);
                Assert.InRange(values.Average(v => (double)v * v) / (deviation * deviation), 1 - 0.027, 1 + 0.027);
                Assert.All(values, v => Assert.True(Math.Abs(v) <= bound));
            }
        }
    }

    [Fact]
    public void ConstantsAndUndefinedMemory()
    {
        using var stream = Device.Cpu.CreateStream();
        using var three = new Initializer(stream, 1).Constant(3, 2, 2);
        Assert.Equal([3, 3, 3, 3], three.ToArray<float>(stream));
        // 2 GiB of which no page is touched.
        var before = Environment.WorkingSet;
        using var large = Initializer.Undefined(stream).Normal(1, 1 << 14, 1 << 15);
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 1L << 30);
    }
}
