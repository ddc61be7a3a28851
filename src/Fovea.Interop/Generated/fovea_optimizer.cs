namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_optimizer : uint
{
    FOVEA_OPTIMIZER_SGD = 0,
    FOVEA_OPTIMIZER_MOMENTUM = 1,
    FOVEA_OPTIMIZER_NESTEROV = 2,
    FOVEA_OPTIMIZER_ADAM = 3,
    FOVEA_OPTIMIZER_ADAMW = 4,
    FOVEA_OPTIMIZER_LION = 5,
}
