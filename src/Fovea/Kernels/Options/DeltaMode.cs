namespace Fovea;

/// <summary>What box deltas mean.</summary>
public enum DeltaMode
{
    /// <summary>MTCNN: x1 += dx1*w, y1 += dy1*h, x2 += dx2*w, y2 += dy2*h.</summary>
    Corners = 0,

    /// <summary>R-CNN: centre += d*size, size *= exp(min(d, log(1000/16))).</summary>
    Centre = 1,
}
