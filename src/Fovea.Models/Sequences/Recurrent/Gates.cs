namespace Fovea.Models.Sequences.Recurrent;

/// <summary>Weights of recurrent cells between the orders of frameworks.</summary>
public static class Gates
{
    /// <summary>Number of gates of a cell.</summary>
    public static int Count(RecurrentCell cell) => cell switch
    {
        RecurrentCell.RnnTanh or RecurrentCell.RnnRelu => 1,
        RecurrentCell.Lstm => 4,
        RecurrentCell.Gru or RecurrentCell.GruResetBefore => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(cell), cell, "unknown cell"),
    };

    /// <summary>Numbers in the parameters of a layer in one direction, two biases included.</summary>
    public static long ParameterCount(RecurrentCell cell, int input, int hidden) => Count(cell) * ((long)hidden * input + (long)hidden * hidden + 2L * hidden);

    /// <summary>Reorders rows <c>[gates*hidden][..]</c> (weights, recurrent weights or a bias) into Fovea's order.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="order">The order they are in.</param>
    /// <param name="rows">Row-major.</param>
    /// <param name="hidden">Units of the cell.</param>
    /// <exception cref="ArgumentException">The length is not a multiple of gates times hidden.</exception>
    public static float[] Reorder(RecurrentCell cell, GateOrder order, ReadOnlySpan<float> rows, int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        var gates = Count(cell);
        if (rows.Length % ((long)gates * hidden) != 0)
            throw new ArgumentException($"{rows.Length} numbers are not {gates} gates of {hidden} units", nameof(rows));
        // Where Fovea's gate g lies in the source.
        ReadOnlySpan<int> source = (order, gates) switch
        {
            (GateOrder.PyTorch, _) or (_, 1) or (GateOrder.Keras, 4) => [0, 1, 2, 3],
            (GateOrder.Onnx, 4) => [0, 2, 3, 1],
            (_, 3) => [1, 0, 2],
            _ => throw new ArgumentOutOfRangeException(nameof(order), order, "unknown order"),
        };
        var (block, result) = (rows.Length / gates, new float[rows.Length]);
        for (var g = 0; g < gates; g++) rows.Slice(source[g] * block, block).CopyTo(result.AsSpan(g * block));
        return result;
    }
}
