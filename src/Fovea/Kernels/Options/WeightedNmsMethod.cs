namespace Fovea;

/// <summary>How boxes are grouped and averaged.</summary>
public enum WeightedNmsMethod
{
    /// <summary>Groups of greedy suppression around the best box, which gives the score: what MediaPipe does with BlazeFace's boxes.</summary>
    Weighted = 0,

    /// <summary>Solovyev et al., "Weighted Boxes Fusion", 2021: a box joins the group whose mean so far it overlaps most; the score is the
    /// mean score, lower where fewer boxes than models agree.</summary>
    BoxFusion = 1,
}
