namespace Fovea.Models.Sequences.Recurrent;

/// <summary>In which order a checkpoint stacks the gates of a cell.</summary>
public enum GateOrder
{
    /// <summary>PyTorch, cuDNN and Fovea: LSTM i, f, g, o; GRU r, z, n.</summary>
    PyTorch,

    /// <summary>ONNX: LSTM i, o, f, c; GRU z, r, h.</summary>
    Onnx,

    /// <summary>Keras: LSTM i, f, c, o (the same as PyTorch's); GRU z, r, h. Its kernels are transposed: <c>[in][gates*hidden]</c>.</summary>
    Keras,
}
