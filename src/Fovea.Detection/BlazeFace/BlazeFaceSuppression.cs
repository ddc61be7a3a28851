namespace Fovea.Detection;

/// <summary>How the overlapping boxes of one face become one.</summary>
public enum BlazeFaceSuppression
{
    /// <summary>The best box stays as the network gave it.</summary>
    Greedy = 0,

    /// <summary>Edges and points are means over the boxes of the face, weighted by score, as in MediaPipe's graphs: steadier from frame to
    /// frame of a video. Faces and scores are those of <see cref="Greedy"/>.</summary>
    Weighted = 1,
}
