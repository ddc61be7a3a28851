namespace Fovea;

/// <summary>The edge of a box at which <see cref="Kernels.CornerPool"/> stands, and thereby where it looks: away from that edge, over
/// the box.</summary>
public enum Corner
{
    /// <summary>At a top edge, down: y[i][j] is the maximum of x[i'][j] over i' >= i.</summary>
    Top = 0,

    /// <summary>At a left edge, to the right: over j' >= j.</summary>
    Left = 1,

    /// <summary>At a bottom edge, up: over i' &lt;= i.</summary>
    Bottom = 2,

    /// <summary>At a right edge, to the left: over j' &lt;= j.</summary>
    Right = 3,
}
