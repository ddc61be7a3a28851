namespace Fovea.Interop;

public partial struct fovea_dtype
{
    [NativeTypeName("uint8_t")]
    public byte code;

    [NativeTypeName("uint8_t")]
    public byte bits;

    [NativeTypeName("uint16_t")]
    public ushort lanes;
}
