using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Two images of 32 pixels under levels of stride 8, 16 and 32, with labels and what ATSS makes of them: for computations in
/// double.</summary>
internal static class AtssCase
{
    public const int Size = 32, Cells = 21, ClassCount = 3;

    // The two objects of the first image overlap.
    public static readonly float[] Boxes = [3, 2, 25, 30, 10, 7, 19, 17.5f, 1, 4, 31, 27, 0, 0, 0, 0];
    public static readonly int[] Classes = [1, 2, 0, -1];

    public static readonly AtssAssigner Assigner = new() { AnchorScale = 3 };

    /// <summary>Positive cells of both images: row among 2*21, class, distances left top right bottom in strides.</summary>
    public static IReadOnlyList<(int Row, int Class, double[] Distances)> Positives { get; } = [.. Find()];

    /// <summary>Even numbers.</summary>
    public static float[] Draw(Random random, int count, float from, float to) => [.. Enumerable.Range(0, count).Select(_ => from + (to - from) * random.NextSingle())];

    private static IEnumerable<(int, int, double[])> Find()
    {
        var cells = PyramidCells.Points(Size, Size, [8, 16, 32], CellPoint.Corner);
        for (var image = 0; image < 2; image++)
        {
            var assigned = new int[Cells];
            Assigner.Assign(cells, image == 0 ? Boxes.AsSpan(0, 8) : Boxes.AsSpan(8, 4), assigned);
            for (var cell = 0; cell < Cells; cell++)
            {
                if (assigned[cell] < 0) continue;
                var place = 2 * image + assigned[cell];
                double x = cells[3 * cell], y = cells[3 * cell + 1], stride = cells[3 * cell + 2];
                yield return (image * Cells + cell, Classes[place],
                    [(x - Boxes[4 * place]) / stride, (y - Boxes[4 * place + 1]) / stride, (Boxes[4 * place + 2] - x) / stride, (Boxes[4 * place + 3] - y) / stride]);
            }
        }
    }
}
