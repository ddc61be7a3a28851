using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class SinePositionsTests
{
    // Of 2 valid columns the angles are pi and 2 pi but for the 1e-6 in the divisor: 3.1415911 and 6.2831822.
    [Fact]
    public void AnglesAreDetrs()
    {
        var positions = SinePositions.Grid(1, 2, 256);
        double[] angles = [3.1415911, 6.2831822];
        for (var column = 0; column < 2; column++)
        {
            for (var i = 0; i < 128; i++)
            {
                var angle = angles[column] / Math.Pow(10_000, i / 2 * 2 / 128.0);
                Assert.Equal(i % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle), positions[column * 256 + 128 + i], 1e-6);
            }
            // One row: the angle of the last valid row.
            Assert.Equal(Math.Cos(2 * Math.PI / (1 + 1e-6)), positions[column * 256 + 1], 1e-6);
        }
        Assert.Throws<ArgumentException>(() => SinePositions.Grid(1, 1, 6));
    }

    // The valid part of a padded map is encoded as the map without padding; beyond it the angle stays.
    [Fact]
    public void PaddingDoesNotStretchTheImage()
    {
        var (padded, plain) = (SinePositions.Grid(4, 5, 8, validHeight: 2, validWidth: 3), SinePositions.Grid(2, 3, 8));
        for (var row = 0; row < 2; row++)
            Assert.Equal(plain.AsSpan(row * 3 * 8, 3 * 8), padded.AsSpan(row * 5 * 8, 3 * 8));
        Assert.Equal(padded.AsSpan(1 * 5 * 8, 4), padded.AsSpan(3 * 5 * 8, 4)); // rows: beyond the last
        Assert.Equal([0, 1, 0, 1], padded.AsSpan((1 * 5 + 4) * 8, 4).ToArray()); // a column without a valid cell
    }
}
