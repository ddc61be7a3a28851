namespace Fovea.Interop.Cuda;

public partial struct CUgraphDeviceUpdatableNode_st
{
}
