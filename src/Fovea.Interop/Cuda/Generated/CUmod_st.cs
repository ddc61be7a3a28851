namespace Fovea.Interop.Cuda;

public partial struct CUmod_st
{
}
