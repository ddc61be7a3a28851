namespace Fovea.Interop.Cuda;

public partial struct _nvrtcProgram
{
}
