namespace Fovea.Data;

/// <summary>Compression of a whole TFRecord file.</summary>
public enum TfRecordCompression
{
    /// <summary>None.</summary>
    None,

    /// <summary>RFC 1952; several members in a row are one stream.</summary>
    Gzip,

    /// <summary>RFC 1950; what follows the one stream is ignored.</summary>
    Zlib,

    /// <summary>Reading only: looks at the first bytes. A first record with a sound header means no compression, whatever its
    /// bytes look like.</summary>
    Detect,
}
