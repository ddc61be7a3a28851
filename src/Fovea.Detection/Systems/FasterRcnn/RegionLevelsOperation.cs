using Fovea.Detection.Pyramids;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Which level each region takes its features from: regions [B*R][4] to one i32 [B*R] per level, the number of the region's image or
/// -1 where it takes nothing from that level. A region without an area takes nothing at all. Agrees with <see cref="RoiLevels"/>, on the
/// device.</summary>
/// <param name="Levels">How many there are.</param>
/// <param name="Finest">Logarithm of the finest one's stride.</param>
/// <param name="Side">Of a square that takes its features from the level of stride 16.</param>
/// <param name="RegionsPerImage">R.</param>
internal sealed record RegionLevelsOperation(int Levels, int Finest, float Side, int RegionsPerImage) : ConstantOperation
{
    private const float LeastArea = 1e-12f; // of a region; far below that of the smallest proposal

    public override string Name => "region_levels";

    public override int OutputCount => Levels;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var regions = inputs[0]!;
        if (regions.Rank != 2 || regions[1] != 4 || regions[0] % RegionsPerImage != 0) throw Bad($"regions {regions}, {RegionsPerImage} per image");
        outputs.Fill(new TensorSpec(DType.Int32, regions[0]));
    }

    public override void Forward(ForwardPass pass)
    {
        var (stream, regions) = (pass.Stream, pass.Input(0));
        var count = regions.Shape[0];
        DeviceTensor Column() => DeviceTensor.Allocate(stream, DType.Float32, count, 1);
        using var area = Column();
        using var number = Column();
        Kernels.Binary(stream, BinaryOp.Sub, regions.Columns(2, 1), regions.Columns(0, 1), area);
        Kernels.Binary(stream, BinaryOp.Sub, regions.Columns(3, 1), regions.Columns(1, 1), number);
        Kernels.Binary(stream, BinaryOp.Mul, area, number, area);
        var (isAbove, isAboveNext) = (Column(), Column());
        Compare(LeastArea, isAbove);
        for (var level = 0; level < Levels; level++)
        {
            Compare(level + 1 == Levels ? float.MaxValue : (float)RoiLevels.LeastArea(Finest + level + 1, Side), isAboveNext);
            // 2 in this level, 0 elsewhere.
            Kernels.Binary(stream, BinaryOp.Sub, isAbove, isAboveNext, number);
            for (long image = 0; image < count / RegionsPerImage; image++)
            {
                var rows = number.Rows(image * RegionsPerImage, RegionsPerImage);
                Kernels.Affine(stream, (image + 1) / 2f, -1, rows, rows);
            }
            Kernels.Copy(stream, number, pass.Output(level).Reshape(count, 1));
            (isAbove, isAboveNext) = (isAboveNext, isAbove);
        }
        isAbove.Dispose();
        isAboveNext.Dispose();

        // 1 where the area is not below the least one, else -1.
        void Compare(float least, DeviceTensor result)
        {
            Kernels.Affine(stream, 1, -least, area, result);
            Kernels.Unary(stream, UnaryOp.Sign, result, result);
            Kernels.Affine(stream, 1, 0.5f, result, result);
            Kernels.Unary(stream, UnaryOp.Sign, result, result);
        }
    }
}
