namespace Fovea.Interop.Cuda;

public partial struct CUevent_st
{
}
