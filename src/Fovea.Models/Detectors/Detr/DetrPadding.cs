using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Which cells of a feature map show an image and which show padding, right of it and below it, on a tape. Attention takes a number
/// of first keys and no mask, so the cells of each image change places: those that count come first.</summary>
public sealed class DetrPadding
{
    private readonly Value _order, _inverse;

    private DetrPadding(Value order, Value inverse, Value lengths, Value valid) => (_order, _inverse, Lengths, Valid) = (order, inverse, lengths, valid);

    /// <summary>i32 [B]: cells that show the image.</summary>
    public Value Lengths { get; }

    /// <summary>f32 [B][P], cells row by row: 1 where the image is.</summary>
    public Value Valid { get; }

    /// <summary>Describes the padding of a batch. The tensors are the caller's, see <see cref="Tensors"/>.</summary>
    /// <param name="tape">Where the network is recorded.</param>
    /// <param name="order">i32 [B][P], the cells in the order of attention.</param>
    /// <param name="inverse">i32 [B][P], the place of each cell in that order.</param>
    /// <param name="lengths">i32 [B].</param>
    /// <param name="valid">f32 [B][P].</param>
    public static DetrPadding On(Tape tape, DeviceTensor order, DeviceTensor inverse, DeviceTensor lengths, DeviceTensor valid)
    {
        ArgumentNullException.ThrowIfNull(tape);
        return new DetrPadding(tape.Input(order), tape.Input(inverse), tape.Input(lengths), tape.Input(valid));
    }

    /// <summary>The numbers behind a padding: images of the given sizes at the top left of maps of height by width cells.</summary>
    /// <param name="sizes">Rows and columns of cells that show each image, at least 1.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    public static (int[] Order, int[] Inverse, int[] Lengths, float[] Valid) Tensors(ReadOnlySpan<(int Rows, int Columns)> sizes, int height, int width)
    {
        var cells = height * width;
        var (order, inverse, lengths, valid) = (new int[sizes.Length * cells], new int[sizes.Length * cells], new int[sizes.Length], new float[sizes.Length * cells]);
        for (var b = 0; b < sizes.Length; b++)
        {
            var (rows, columns) = sizes[b];
            if (rows < 1 || columns < 1 || rows > height || columns > width)
                throw new ArgumentException($"{rows}x{columns} cells of an image in a map of {height}x{width}", nameof(sizes));
            lengths[b] = rows * columns;
            var (inside, outside) = (0, lengths[b]);
            for (var cell = 0; cell < cells; cell++)
            {
                var shows = cell / width < rows && cell % width < columns;
                var place = shows ? inside++ : outside++;
                order[b * cells + place] = cell;
                inverse[b * cells + cell] = place;
                valid[b * cells + cell] = shows ? 1 : 0;
            }
        }
        return (order, inverse, lengths, valid);
    }

    /// <summary>Rows or columns of a map that show an image of <paramref name="pixels"/> in a canvas of <paramref name="canvas"/>: those whose
    /// first pixel, by nearest resampling of the mask, is inside.</summary>
    public static int Cells(int pixels, int canvas, int cells) => (int)Math.Min(cells, ((long)pixels * cells + canvas - 1) / canvas);

    /// <summary>Cells [B][P][width] from rows of the map to the order of attention.</summary>
    public Value Sorted(Value cells) => cells.GatherInBatch(_order);

    /// <summary>Back to rows of the map.</summary>
    public Value Unsorted(Value cells) => cells.GatherInBatch(_inverse);
}
