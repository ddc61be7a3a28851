namespace Fovea.Interop.Cuda;

public partial struct CUstream_st
{
}
