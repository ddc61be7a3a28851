using Fovea.Data;

namespace Fovea.Cli.Experiments.YoloCell;

/// <summary>Scenes of two pairs of neighbours that do not overlap, equally close: the centres of the first pair lie in one cell of a grid of
/// 16 pixels, those of the second on both sides of a cell's edge. Of a pair, the object above or left comes first.</summary>
internal sealed class PairScenes(int seed, long count) : ILabelledImages
{
    /// <summary>Pixels of a side.</summary>
    internal const int Size = 96;

    /// <summary>Pixels of a cell's side.</summary>
    internal const int Cell = 16;

    private const int Short = 10, LeastLong = 20, MostLong = 28, LeastDistance = 11, MostDistance = 13; // pixels

    public long Count { get; } = count;

    public IReadOnlyList<string> ClassNames { get; } = ["bar", "ellipse"];

    public LabelledImage Load(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var random = new Random(unchecked(seed * 1_000_003 + (int)index));
        var image = new RgbImage(Size, Size);
        var pixels = image.Pixels.Span;
        Span<int> ground = [random.Next(60, 150), random.Next(60, 150), random.Next(60, 150)];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(ground[i % 3] + random.Next(-12, 13));
        // One pair in each half: the second and the fifth column of cells, in any of the four inner rows.
        var isLeft = random.Next(2) == 0;
        var objects = new List<LabelledObject>();
        AddPair(objects, random, isLeft ? 1 : 4, sharesCell: true);
        AddPair(objects, random, isLeft ? 4 : 1, sharesCell: false);
        foreach (var o in objects) Paint(image, o, random);
        return new LabelledImage(image, objects);
    }

    private static void AddPair(List<LabelledObject> objects, Random random, int column, bool sharesCell)
    {
        var isStacked = random.Next(2) == 0;
        var distance = random.Next(LeastDistance, MostDistance + 1);
        // Of the first centre from the cell's edge; the second one is in the same cell below 16, and at 26 at most, so that boxes stay inside.
        var first = sharesCell ? random.Next(1, Cell - distance) : random.Next(Cell - distance + 1, Cell - 2);
        var row = random.Next(1, Size / Cell - 1);
        for (var i = 0; i < 2; i++)
        {
            var (along, across) = (first + i * distance, random.Next(1, Cell));
            var (x, y) = isStacked ? (across, along) : (along, across);
            var longSide = 2 * random.Next(LeastLong / 2, MostLong / 2 + 1);
            var (width, height) = isStacked ? (longSide, Short) : (Short, longSide);
            var (left, top) = (column * Cell + x - width / 2, row * Cell + y - height / 2);
            objects.Add(new LabelledObject(random.Next(2), left, top, left + width, top + height));
        }
    }

    private static void Paint(RgbImage image, LabelledObject box, Random random)
    {
        Span<byte> colour = stackalloc byte[3];
        foreach (ref var c in colour) c = (byte)(random.Next(2) == 0 ? random.Next(0, 50) : random.Next(190, 256));
        var pixels = image.Pixels.Span;
        for (var y = (int)box.Y1; y < (int)box.Y2; y++)
        {
            for (var x = (int)box.X1; x < (int)box.X2; x++)
            {
                var (u, v) = (2 * (x + 0.5 - box.X1) / (box.X2 - box.X1) - 1, 2 * (y + 0.5 - box.Y1) / (box.Y2 - box.Y1) - 1);
                if (box.Class == 0 || u * u + v * v <= 1) colour.CopyTo(pixels[(3 * (y * image.Width + x))..]);
            }
        }
    }
}
