namespace Fovea.Interop;

public partial struct fovea_device
{
}
