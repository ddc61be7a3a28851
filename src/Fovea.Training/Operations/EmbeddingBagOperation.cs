namespace Fovea.Training;

/// <summary>y[r] = sum of weight * table[id] over the ids of row r, over the row's divisor: <see cref="EmbeddingBag"/>. Inputs:
/// table [buckets][dimension], ids [n], rows of the ids [n], weights [n][1] or absent, divisors [rows][1] or absent; the last
/// two are constants.</summary>
/// <param name="Rows">Rows of y.</param>
internal sealed record EmbeddingBagOperation(long Rows) : Operation
{
    public override string Name => "embedding_bag";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11110, Outputs: 0);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (table, ids, idRows, weights, divisors) = (inputs[0]!, inputs[1]!, inputs[2]!, inputs[3], inputs[4]);
        if (table.Rank != 2 || ids.Rank != 1 || !Index(ids) || idRows.Rank != 1 || !Index(idRows) || idRows[0] != ids[0])
            throw Bad($"ids {ids} of rows {idRows} do not look into table {table}");
        if (weights is not null && !weights.Shape.SequenceEqual([ids[0], 1]))
            throw Bad($"weights {weights} do not fit ids {ids}");
        if (divisors is not null && !divisors.Shape.SequenceEqual([Rows, 1]))
            throw Bad($"divisors {divisors} do not fit {Rows} rows");
        outputs[0] = table.With(Rows, table[1]);

        static bool Index(TensorSpec spec) => spec.DType is DType.Int32 or DType.Int64;
    }

    public override void Forward(ForwardPass pass)
    {
        pass.Output().Fill(pass.Stream, 0);
        EmbeddingBag.Forward(pass.Stream, pass.Input(0), pass.Input(1), pass.Input(2), pass.Optional(3), pass.Optional(4), pass.Output());
    }

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } d) return;
        d.Fill(pass.Stream, 0);
        EmbeddingBag.Backward(pass.Stream, pass.OutputGradient(), pass.Input(1), pass.Input(2), pass.Optional(3), pass.Optional(4), d);
    }
}
