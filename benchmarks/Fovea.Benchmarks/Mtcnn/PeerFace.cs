using System.Runtime.CompilerServices;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>A face found by the peer, 0-based pixels, box <c>[X1, X2) x [Y1, Y2)</c>.</summary>
internal struct PeerFace
{
    public float X1, Y1, X2, Y2, Score;

    public FacePoints Points;

    /// <summary>x and y of five points, interleaved.</summary>
    [InlineArray(10)]
    public struct FacePoints
    {
        private float _first;
    }
}
