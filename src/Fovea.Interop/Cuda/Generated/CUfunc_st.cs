namespace Fovea.Interop.Cuda;

public partial struct CUfunc_st
{
}
