namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_score_mode : uint
{
    FOVEA_SCORE_PLAIN = 0,
    FOVEA_SCORE_SIGMOID = 1,
    FOVEA_SCORE_SOFTMAX = 2,
}
