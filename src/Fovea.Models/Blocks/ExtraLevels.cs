namespace Fovea.Models.Blocks;

/// <summary>Levels that a feature pyramid has above its last one.</summary>
public enum ExtraLevels
{
    /// <summary>None: as many levels as come in.</summary>
    None,

    /// <summary>P6, every second cell of P5 (Faster R-CNN).</summary>
    Subsampled,

    /// <summary>P6 = conv3x3/2 of P5 and P7 = conv3x3/2 of relu(P6) (FCOS).</summary>
    FromPyramid,

    /// <summary>The same from C5 (RetinaNet).</summary>
    FromBackbone,
}
