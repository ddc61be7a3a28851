using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Where a 3x3 deformable convolution samples so that its taps lie on a box: on its corners, on the middle of its sides as seen
/// from the cell, and on the cell itself (Zhang et al., "VarifocalNet", 2021). A box of one stride to each side gives offsets of 0: a plain
/// convolution.</summary>
public sealed class StarOffsets : Module
{
    private const float GradientShare = 0.1f;

    private readonly DeviceTensor _sides, _grid;

    /// <summary>Makes the constants.</summary>
    public StarOffsets(DeviceStream stream, string name) : base(name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        // Offset of tap (row, column), y then x: -top, 0 or bottom and -left, 0 or right, less the tap's place in the plain grid.
        var (sides, grid) = (new float[18 * 4], new float[18]);
        for (var tap = 0; tap < 9; tap++)
        {
            var (row, column) = (tap / 3 - 1, tap % 3 - 1);
            if (row != 0) sides[4 * (2 * tap) + (row < 0 ? 1 : 3)] = row;
            if (column != 0) sides[4 * (2 * tap + 1) + (column < 0 ? 0 : 2)] = column;
            (grid[2 * tap], grid[2 * tap + 1]) = (-row, -column);
        }
        _sides = AddConstant(DeviceTensor.From(stream, sides, 18, 4));
        _grid = AddConstant(DeviceTensor.From(stream, grid, 18));
    }

    /// <summary>Distances left top right bottom in strides [B][H][W][4] to offsets (y, x) of nine taps in cells [B][H][W][18]. A tenth of the
    /// gradient passes.</summary>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var constant = tape.Detach(x);
        var passed = constant.Add(x.Subtract(constant).Affine(GradientShare)); // exactly x
        return passed.Linear(tape.Input(_sides), tape.Input(_grid));
    }
}
