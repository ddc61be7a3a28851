namespace Fovea.Interop.Cuda;

public partial struct CUctx_st
{
}
