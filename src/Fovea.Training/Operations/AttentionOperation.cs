namespace Fovea.Training;

/// <summary>q [B][Lq][H][D], k and v [B][Lk][G][D], key lengths i32 [B] or absent; o [B][Lq][H][D] and lse [B][H][Lq], which backward
/// needs (Dao, "FlashAttention-2", 2023).</summary>
internal sealed record AttentionOperation(AttentionOptions Options) : Operation
{
    public override string Name => "attention";

    public override int OutputCount => 2;

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b1111, Outputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (q, k, v) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (q.Rank != 4 || k.Rank != 4 || !k.Equals(v) || q[0] != k[0] || q[3] != k[3] || k[2] == 0 || q[2] % k[2] != 0)
            throw Bad($"q {q}, k {k} and v {v} do not fit");
        outputs[0] = q;
        outputs[1] = new TensorSpec(DType.Float32, q[0], q[2], q[1]);
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.Attention(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Input(2), pass.Optional(3), pass.Output(0), pass.Output(1));

    public override void Backward(BackwardPass pass)
    {
        var (q, k, v) = (pass.Input(0), pass.Input(1), pass.Input(2));
        // The kernel makes all three; what nobody wants goes to scratch.
        using var dq = new Scratch(pass, 0, q);
        using var dk = new Scratch(pass, 1, k);
        using var dv = new Scratch(pass, 2, v);
        Kernels.AttentionBackward(pass.Stream, Options, q, k, v, pass.Optional(3), pass.Output(0), pass.Output(1), pass.OutputGradient(),
            dq.Tensor, dk.Tensor, dv.Tensor);
    }

    private readonly struct Scratch : IDisposable
    {
        private readonly DeviceTensor? _own;

        public Scratch(BackwardPass pass, int index, DeviceTensor like)
        {
            Tensor = pass.Gradient(index) ?? (_own = DeviceTensor.Allocate(pass.Stream, like.DType, like.Shape));
        }

        public DeviceTensor Tensor { get; }

        public void Dispose() => _own?.Dispose();
    }
}
