using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Decoding in groups, such as the levels of a pyramid, suppression inside each group, and the best of all groups. All sizes are
/// capacities: nothing waits for the device. The last input is i32 [T]: the group of each of the T candidates of an image, group behind
/// group; the result [B][capacity][6] = x1 y1 x2 y2 score group, zeros behind the last box.</summary>
/// <param name="Decode">How a group is decoded.</param>
/// <param name="IouThreshold">A box falls to a better one of its group above it.</param>
/// <param name="MinSide">Boxes with a shorter side are dropped, in pixels; above 0.</param>
/// <param name="Capacity">Boxes per image.</param>
internal abstract record GroupedBoxesOperation(DecodeOptions Decode, float IouThreshold, float MinSide, int Capacity) : ConstantOperation
{
    /// <summary>Candidates of each group of an image.</summary>
    protected abstract IReadOnlyList<int> GroupSizes { get; }

    /// <summary>Decodes one group of an image.</summary>
    protected abstract void DecodeGroup(ForwardPass pass, int image, int group, DeviceTensor rows, DeviceTensor count);

    /// <summary>The group of each candidate.</summary>
    public static int[] GroupsOf(IReadOnlyList<int> sizes) => [.. sizes.SelectMany((size, group) => Enumerable.Repeat(group, size))];

    protected TensorSpec Result(TensorSpec groups, TensorSpec scores, long images) =>
        groups.DType == DType.Int32 && groups.Rank == 1 && groups[0] == GroupSizes.Sum()
            ? scores.With(images, Capacity, 6)
            : throw Bad($"groups {groups} do not fit {GroupSizes.Sum()} candidates");

    protected void Forward(ForwardPass pass, DeviceTensor groups)
    {
        var (stream, y, total) = (pass.Stream, pass.Output(), groups.ElementCount);
        using var rows = DeviceTensor.Allocate(stream, DType.Float32, total, 6);
        using var side = DeviceTensor.Allocate(stream, DType.Float32, total, 1);
        using var counts = DeviceTensor.Allocate(stream, DType.Int32, GroupSizes.Count);
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, Capacity);
        using var kept = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var (boxes, scores) = (rows.Columns(0, 4), rows.Columns(4, 1));
        for (var image = 0; image < y.Shape[0]; image++)
        {
            rows.Fill(stream, 0xFF); // NaN: places that no candidate takes have no score, and suppression leaves them out
            counts.Fill(stream, 0);
            long start = 0;
            for (var group = 0; group < GroupSizes.Count; group++)
            {
                DecodeGroup(pass, image, group, rows.Rows(start, GroupSizes[group]), counts.Rows(group, 1));
                start += GroupSizes[group];
            }
            // score + 0*sqrt(side - least): NaN for boxes that are too small.
            for (var axis = 0; axis < 2; axis++)
            {
                Kernels.Binary(stream, BinaryOp.Sub, rows.Columns(axis + 2, 1), rows.Columns(axis, 1), side);
                Kernels.Affine(stream, 1, -MinSide, side, side);
                Kernels.Unary(stream, UnaryOp.Sqrt, side, side);
                Kernels.Affine(stream, 0, 0, side, side);
                Kernels.Binary(stream, BinaryOp.Add, scores, side, scores);
            }
            Kernels.Copy(stream, groups.Reshape(total, 1), rows.Columns(5, 1));
            Kernels.Nms(stream, new NmsOptions { IouThreshold = IouThreshold }, boxes, scores, groups, null, keep, kept);
            Kernels.GatherRows(stream, rows, keep, y.Rows(image, 1).Reshape(Capacity, 6));
        }
    }
}
