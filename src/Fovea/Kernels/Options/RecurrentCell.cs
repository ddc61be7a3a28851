namespace Fovea;

/// <summary>The cell of a recurrent layer.</summary>
public enum RecurrentCell
{
    /// <summary>h = tanh(W x + b + R h + r) (Elman, 1990).</summary>
    RnnTanh = 0,

    /// <summary>The same with ReLU.</summary>
    RnnRelu = 1,

    /// <summary>Hochreiter and Schmidhuber, 1997, with forget gate; gates i, f, g, o.</summary>
    Lstm = 2,

    /// <summary>Cho et al., 2014, in the form of PyTorch and cuDNN: the reset gate multiplies after the recurrent product.</summary>
    Gru = 3,

    /// <summary>The original form: the reset gate multiplies h before the recurrent product (ONNX linear_before_reset 0).</summary>
    GruResetBefore = 4,
}
