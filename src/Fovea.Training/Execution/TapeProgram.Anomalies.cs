namespace Fovea.Training;

public sealed partial class TapeProgram
{
    private void CheckForward(TapeOp op)
    {
        for (var i = 0; i < op.Outputs.Length; i++) Check(op, "forward", $"result {i}", Tensor(op.Outputs[i]));
    }

    private void CheckBackward(TapeOp op)
    {
        for (var i = 0; i < op.Inputs.Length; i++)
        {
            if ((op.Wanted >> i & 1) == 0) continue;
            Check(op, "backward", $"the gradient of input {i}", Gradient(op.Inputs[i]));
        }
    }

    private void Check(TapeOp op, string pass, string what, DeviceTensor tensor)
    {
        if (tensor.DType is not (DType.Float32 or DType.Float16 or DType.BFloat16)) return;
        using var copy = DeviceTensor.Allocate(Stream, DType.Float32, tensor.Shape);
        Kernels.Copy(Stream, tensor, copy);
        var values = copy.ToArray<float>(Stream);
        for (long i = 0; i < values.LongLength; i++)
            if (!float.IsFinite(values[i])) throw new AnomalyException(op.Path, pass, $"{what} {tensor}", i, values[i]);
    }
}
