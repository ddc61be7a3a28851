using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Suppression that lowers scores, image by image (<see cref="Kernels.SoftNms"/>): rows [B][N][6] = x1 y1 x2 y2 score class and classes
/// i32 [B][N] to rows [B][capacity][6], best first by lowered score, zeros behind the last.</summary>
internal sealed record SoftSuppressOperation(SoftNmsOptions Options, int Capacity) : ConstantOperation
{
    public override string Name => "soft_suppress";

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (rows, classes) = (inputs[0]!, inputs[1]!);
        if (rows.Rank != 3 || rows[2] != 6 || !classes.Shape.SequenceEqual(rows.Shape[..2])) throw Bad($"rows {rows} and classes {classes} do not fit");
        outputs[0] = rows.With(rows[0], Capacity, 6);
    }

    public override void Forward(ForwardPass pass)
    {
        var stream = pass.Stream;
        var (input, labels, output) = (pass.Input(0), pass.Input(1), pass.Output());
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, Capacity);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, Capacity, 1);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        for (var image = 0; image < output.Shape[0]; image++)
        {
            var rows = input.Rows(image, 1).Reshape(input.Shape[1], 6);
            var kept = output.Rows(image, 1).Reshape(Capacity, 6);
            Kernels.SoftNms(stream, Options, rows.Columns(0, 4), rows.Columns(4, 1), labels.Rows(image, 1).Reshape(-1), valid: null, keep, scores.Reshape(-1), count);
            Kernels.GatherRows(stream, rows, keep, kept); // -1 behind the last: rows of zeros
            Kernels.Copy(stream, scores, kept.Columns(4, 1));
        }
    }
}
