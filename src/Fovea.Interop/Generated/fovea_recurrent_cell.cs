namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_recurrent_cell : uint
{
    FOVEA_CELL_RNN_TANH = 0,
    FOVEA_CELL_RNN_RELU = 1,
    FOVEA_CELL_LSTM = 2,
    FOVEA_CELL_GRU = 3,
    FOVEA_CELL_GRU_RESET_BEFORE = 4,
}
